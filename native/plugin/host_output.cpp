#include "host_output.h"

namespace sideman::plugin {

void HostOutput::write(const MidiEvent& event, std::uint32_t time, const clap::OutputEvents* out) noexcept {
  settle(time, out);
  if (is_note_on(event) && owed_[key_of(event)]) return;  // its end would come after it
  if (!push(event, time, out) && is_note_off(event)) owed_.set(key_of(event));
}

void HostOutput::settle(std::uint32_t time, const clap::OutputEvents* out) noexcept {
  if (owed_.none()) return;
  for (std::size_t key = 0; key < kKeys; ++key) {
    if (!owed_[key]) continue;
    const MidiEvent end{Micros{0}, static_cast<std::uint8_t>(0x80 | key / 128), static_cast<std::uint8_t>(key % 128), 0};
    if (!push(end, time, out)) return;
    owed_.reset(key);
  }
}

bool HostOutput::push(const MidiEvent& event, std::uint32_t time, const clap::OutputEvents* out) const noexcept {
  if (out == nullptr) return false;
  const bool starts = is_note_on(event);
  if ((dialects_ & clap::kDialectClap) != 0 && (starts || is_note_off(event))) {
    clap::EventNote note{};
    note.header = {sizeof note, time, clap::kCoreSpace, starts ? clap::kNoteOn : clap::kNoteOff, 0};
    note.note_id = -1;
    note.channel = static_cast<std::int16_t>(event.status & 0x0F);
    note.key = event.data1;
    note.velocity = event.data2 / 127.0;
    return out->try_push(out, &note.header);
  }
  clap::EventMidi midi{};
  midi.header = {sizeof midi, time, clap::kCoreSpace, clap::kMidi, 0};
  midi.data[0] = event.status;
  midi.data[1] = event.data1;
  midi.data[2] = event.data2;
  return out->try_push(out, &midi.header);
}

void HostOutput::write_gesture(const FromEngine& message, std::uint32_t time,
                               const clap::OutputEvents* out) const noexcept {
  if (out == nullptr) return;
  clap::EventGesture gesture{};
  gesture.header = {sizeof gesture, time, clap::kCoreSpace, clap::kGestureBegin, 0};
  gesture.param_id = message.id;
  out->try_push(out, &gesture.header);
  clap::EventParam value{};
  value.header = {sizeof value, time, clap::kCoreSpace, clap::kParamValue, 0};
  value.param_id = message.id;
  value.note_id = value.port_index = value.channel = value.key = -1;
  value.amount = message.value;
  out->try_push(out, &value.header);
  gesture.header.type = clap::kGestureEnd;
  out->try_push(out, &gesture.header);
}

}  // namespace sideman::plugin
