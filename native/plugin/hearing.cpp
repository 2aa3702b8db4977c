#include <algorithm>
#include <cmath>

#include "instance.h"

// What the host hands over: notes in either dialect, parameters, modulation.
namespace sideman::plugin {
namespace {

constexpr std::uint8_t kAllNotesOff = 123;

}  // namespace

void Instance::hear(const clap::EventHeader* event, MicroBeats at) noexcept {
  switch (event->type) {
    case clap::kNoteOn:
    case clap::kNoteOff:
    case clap::kNoteChoke:
      hear_note(*reinterpret_cast<const clap::EventNote*>(event), at);
      break;
    case clap::kMidi:
      hear_midi(reinterpret_cast<const clap::EventMidi*>(event)->data, at);
      break;
    case clap::kParamValue:
    case clap::kParamMod: {
      const auto& change = *reinterpret_cast<const clap::EventParam*>(event);
      const std::size_t row = row_of(change.param_id);
      if (row == kNumRows || !std::isfinite(change.amount)) break;
      const double before = exchange_.effective(row);
      if (event->type == clap::kParamValue)
        exchange_.values[row].store(clamped(kRows[row], change.amount), std::memory_order_relaxed);
      else
        exchange_.offsets[row].store(change.amount, std::memory_order_relaxed);
      if (exchange_.effective(row) != before) teller_.parameter(row, at);
      break;
    }
    default:
      break;
  }
}

void Instance::hear_note(const clap::EventNote& note, MicroBeats at) noexcept {
  const bool starts = note.header.type == clap::kNoteOn;
  if (starts) {
    if (note.key < 0 || note.key > 127 || note.channel > 15) return;
    const double velocity = std::isfinite(note.velocity) ? std::clamp(note.velocity, 0.0, 1.0) : 0.5;
    const auto hard = static_cast<std::uint8_t>(std::max(1.0, std::floor(velocity * 127.0 + 0.5)));
    const auto channel = static_cast<std::uint8_t>(std::max<std::int16_t>(note.channel, 0));
    hear_midi({static_cast<std::uint8_t>(0x90 | channel), static_cast<std::uint8_t>(note.key), hard}, at);
    return;
  }
  exchange_.for_each_held([&](std::uint8_t channel, std::uint8_t pitch) {  // -1 stands for all channels, or all keys
    if ((note.channel < 0 || note.channel == channel) && (note.key < 0 || note.key == pitch))
      hear_midi({static_cast<std::uint8_t>(0x80 | channel), pitch, 0}, at);
  });
}

void Instance::hear_midi(const std::uint8_t (&message)[3], MicroBeats at) noexcept {
  const std::uint8_t kind = message[0] & 0xF0;
  if (kind < 0x80 || kind == 0xF0 || message[1] > 127 || message[2] > 127) return;
  if (kind == 0x80 || kind == 0x90) {
    const std::size_t key = static_cast<std::size_t>(message[0] & 0x0F) * 128 + message[1];
    const std::uint64_t bit = std::uint64_t{1} << (key & 63);
    const std::uint64_t held = exchange_.keys[key >> 6].load(std::memory_order_relaxed);
    const bool down = kind == 0x90 && message[2] > 0;
    exchange_.keys[key >> 6].store(down ? held | bit : held & ~bit, std::memory_order_relaxed);
  } else if (kind == 0xB0 && (message[1] == kAllSoundOff || message[1] >= kAllNotesOff)) {
    const std::size_t first = static_cast<std::size_t>(message[0] & 0x0F) * 2;
    for (std::size_t word = first; word < first + 2; ++word) exchange_.keys[word].store(0, std::memory_order_relaxed);
  } else if (kind == 0xB0 && (message[1] == kSustainPedal || message[1] == kResetControllers)) {
    const std::uint8_t value = message[1] == kSustainPedal ? message[2] : std::uint8_t{0};
    exchange_.pedals[message[0] & 0x0F].store(value, std::memory_order_relaxed);
  }
  teller_.key(message, at);
}

/// Down the ring, so that the engine hears it after the strikes that wait there.
void Instance::all_keys_up() noexcept {
  for (std::uint8_t channel = 0; channel < 16; ++channel)
    for (const std::uint8_t controller : {kAllSoundOff, kResetControllers})
      hear_midi({static_cast<std::uint8_t>(0xB0 | channel), controller, 0}, beat_.now());
}

}  // namespace sideman::plugin
