#include "instance.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <thread>

namespace sideman::plugin {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kNowPeriod = 0.004, kIdleNowPeriod = 0.1, kQuietAfter = 3.0;  // seconds
constexpr double kOldest = 0.06;  // seconds by which a strike may be late and still sound, at once
constexpr std::chrono::seconds kOfflinePatience{20};  // for one block
constexpr std::chrono::seconds kConnectPatience{3};   // of a render that begins before the engine is found
constexpr std::size_t kBatch = 256;
constexpr std::uint8_t kAllSoundOff = 120, kAllNotesOff = 123;

}  // namespace

Instance::Instance(const clap::Host* host)
    : host_(host), link_(exchange_, [host] { host->request_callback(host); }) {}

void Instance::init() {
  const auto* ports = static_cast<const clap::HostNotePorts*>(host_->get_extension(host_, clap::kNotePortsId));
  if (ports == nullptr) return;
  const std::uint32_t dialects = ports->supported_dialects(host_) & (clap::kDialectClap | clap::kDialectMidi);
  if (dialects != 0) out_dialects_ = dialects;
}

bool Instance::activate(double frames_per_second) {
  if (!(frames_per_second >= 1000.0 && frames_per_second <= 1e7)) return false;
  rate_ = frames_per_second;
  beat_.set_rate(rate_);
  if (exchange_.offline.load()) exchange_.restarting.store(true);
  active_.store(true);
  link_.start();
  return true;
}

void Instance::set_offline(bool offline) {
  if (exchange_.offline.exchange(offline) != offline && offline) exchange_.restarting.store(true);
}

void Instance::on_main_thread() {
  if (const auto* params = static_cast<const clap::HostParams*>(host_->get_extension(host_, clap::kParamsId)))
    params->rescan(host_, clap::kRescanValues | clap::kRescanText);
  const std::uint32_t changed = exchange_.texts_changed.load();
  if (changed == texts_told_) return;
  texts_told_ = changed;
  if (const auto* state = static_cast<const clap::HostState*>(host_->get_extension(host_, clap::kStateId)))
    state->mark_dirty(host_);
}

void Instance::engine_text(int state, char* text, std::size_t size) {
  const char* words[] = {"not running: start `sideman serve`", "refuses", "late", "ready"};
  const std::lock_guard<std::mutex> lock(exchange_.text_mutex);
  const bool has_more = !exchange_.said.empty() && state != static_cast<int>(EngineState::kMissing);
  std::snprintf(text, size, "%s%s%s", words[std::clamp(state, 0, 3)], has_more ? ": " : "",
                has_more ? exchange_.said.c_str() : "");
}

clap::ProcessStatus Instance::process(const clap::Process* process) noexcept {
  for (std::uint32_t port = 0; port < process->audio_outputs_count; ++port) {
    clap::AudioBuffer& buffer = process->audio_outputs[port];
    for (std::uint32_t channel = 0; channel < buffer.channel_count; ++channel) {
      if (buffer.data32 != nullptr) std::fill_n(buffer.data32[channel], process->frames_count, 0.0f);
      if (buffer.data64 != nullptr) std::fill_n(buffer.data64[channel], process->frames_count, 0.0);
    }
    buffer.constant_mask = (buffer.channel_count >= 64 ? 0 : std::uint64_t{1} << buffer.channel_count) - 1;
  }
  const clap::OutputEvents* out = process->out_events;
  const std::uint32_t frames = process->frames_count;
  if (exchange_.restarting.load()) {
    wait_for_connection();
    exchange_.restarting.store(false);
    render_anew(0, out);
  }
  std::uint32_t at = 0;
  begin(process->transport, 0, out);
  const std::uint32_t num_events = process->in_events == nullptr ? 0 : process->in_events->size(process->in_events);
  for (std::uint32_t i = 0; i < num_events; ++i) {
    const clap::EventHeader* event = process->in_events->get(process->in_events, i);
    if (event == nullptr || event->space_id != clap::kCoreSpace) continue;
    const std::uint32_t time = std::clamp(event->time, at, std::max(at, frames - (frames > 0)));  // whatever it says
    if (event->type != clap::kTransport) {
      hear(event, static_cast<MicroBeats>(beat_.beat_after(time - at)));
      continue;
    }
    play(at, time - at, out);
    beat_.advance(time - at);
    at = time;
    begin(reinterpret_cast<const clap::EventTransport*>(event), at, out);
  }
  play(at, frames - at, out);
  beat_.advance(frames - at);
  return clap::kProcessContinue;
}

void Instance::begin(const clap::EventTransport* transport, std::uint32_t time,
                     const clap::OutputEvents* out) noexcept {
  const bool played = has_told_ && told_.playing;
  if (beat_.begin(transport)) {
    if (exchange_.offline.load(std::memory_order_relaxed) && beat_.place().playing && !played) {
      render_anew(time, out);
      beat_.begin(transport);
    }
    player_.silence();
    quiet_ = 0;
  }
  tell_place();
}

/// A render begins: from here on the music depends on seed, chart, automation and keys alone.
void Instance::render_anew(std::uint32_t time, const clap::OutputEvents* out) noexcept {
  player_.silence();
  emit_due(std::numeric_limits<MicroBeats>::max(), time, 0, out);
  beat_.restart();
  ToEngine message;
  message.type = ToEngineType::kRestart;
  tell(message);
  has_told_ = false;
  tell_place();
  for (std::size_t key = 0; key < kKeys; ++key) {
    if ((exchange_.keys[key >> 6].load(std::memory_order_relaxed) >> (key & 63) & 1u) == 0) continue;
    message.type = ToEngineType::kKey;
    message.message[0] = static_cast<std::uint8_t>(0x90 | key / 128);
    message.message[1] = static_cast<std::uint8_t>(key % 128);
    message.message[2] = 80;
    tell(message);
  }
}

void Instance::play(std::uint32_t time, std::uint32_t frames, const clap::OutputEvents* out) noexcept {
  tell_now(frames, static_cast<MicroBeats>(beat_.beat_after(frames)), out, time);
  take_from_engine(time, out);
  emit_due(beat_.now(), time, 0, out);  // what was ended, at once
  if (frames > 0) emit_due(beat_.last_beat(frames), time, frames, out);
}

void Instance::take_from_engine(std::uint32_t time, const clap::OutputEvents* out) noexcept {
  const MicroBeats oldest = beat_.now() - static_cast<MicroBeats>(kOldest * beat_.micro_beats_per_second());
  FromEngine message;
  while (exchange_.from_engine.try_pop(message)) {
    if (message.type == FromEngineType::kParameter)
      emit_parameter(message, time, out);
    else
      player_.take(message, beat_.epoch(), oldest);
  }
}

void Instance::emit_due(MicroBeats by, std::uint32_t time, std::uint32_t frames,
                        const clap::OutputEvents* out) noexcept {
  MidiEvent events[kBatch];
  std::size_t count;
  do {
    count = player_.due(by, events, kBatch);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t frame = frames == 0 ? 0 : beat_.frame_of(events[i].due.count(), frames - 1);
      emit(events[i], time + frame, out);
    }
    if (count > 0) quiet_ = 0;
  } while (count + 2 > kBatch);
}

void Instance::emit(const MidiEvent& event, std::uint32_t time, const clap::OutputEvents* out) noexcept {
  if (out == nullptr) return;
  const bool starts = is_note_on(event);
  if ((out_dialects_ & clap::kDialectClap) != 0 && (starts || is_note_off(event))) {
    clap::EventNote note{};
    note.header = {sizeof note, time, clap::kCoreSpace, starts ? clap::kNoteOn : clap::kNoteOff, 0};
    note.note_id = -1;
    note.channel = static_cast<std::int16_t>(event.status & 0x0F);
    note.key = event.data1;
    note.velocity = event.data2 / 127.0;
    out->try_push(out, &note.header);
    return;
  }
  clap::EventMidi midi{};
  midi.header = {sizeof midi, time, clap::kCoreSpace, clap::kMidi, 0};
  midi.data[0] = event.status;
  midi.data[1] = event.data1;
  midi.data[2] = event.data2;
  out->try_push(out, &midi.header);
}

/// A value that another surface has set: to the host a gesture, which it may record.
void Instance::emit_parameter(const FromEngine& message, std::uint32_t time, const clap::OutputEvents* out) noexcept {
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
      if (exchange_.effective(row) != before) tell_parameter(row, at);
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
  for (std::size_t key = 0; key < kKeys; ++key) {  // -1 stands for all channels, or all keys
    if ((exchange_.keys[key >> 6].load(std::memory_order_relaxed) >> (key & 63) & 1u) == 0) continue;
    const auto channel = static_cast<std::uint8_t>(key / 128), pitch = static_cast<std::uint8_t>(key % 128);
    if ((note.channel < 0 || note.channel == channel) && (note.key < 0 || note.key == pitch))
      hear_midi({static_cast<std::uint8_t>(0x80 | channel), pitch, 0}, at);
  }
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
  }
  quiet_ = 0;
  exchange_.in_use.store(true, std::memory_order_relaxed);
  ToEngine key;
  key.type = ToEngineType::kKey;
  key.place.at = at;
  std::copy(std::begin(message), std::end(message), std::begin(key.message));
  tell(key);
}

void Instance::tell(const ToEngine& message) noexcept {
  if (!exchange_.to_engine.try_push(message)) exchange_.dropped.store(true, std::memory_order_relaxed);
}

void Instance::tell_place() noexcept {
  const Place place = beat_.place();
  if (has_told_ && place == told_) return;
  told_ = place;
  has_told_ = true;
  ToEngine message;
  message.type = ToEngineType::kPlace;
  message.place = place;
  tell(message);
}

void Instance::tell_parameter(std::size_t row, MicroBeats at) noexcept {
  ToEngine message;
  message.type = ToEngineType::kParameter;
  message.place.at = at;
  message.id = kRows[row].id;
  message.value = exchange_.effective(row);
  tell(message);
}

/// Says up to where the engine can change nothing any more: where the next block begins.
void Instance::tell_now(std::uint32_t frames, MicroBeats until, const clap::OutputEvents* out,
                        std::uint32_t time) noexcept {
  const bool in_use = beat_.place().playing || any_key() || static_cast<double>(quiet_) < kQuietAfter * rate_;
  exchange_.in_use.store(in_use, std::memory_order_relaxed);
  since_now_ += frames;
  quiet_ += frames;
  const bool offline = exchange_.offline.load(std::memory_order_relaxed);
  if (!offline && static_cast<double>(since_now_) < (in_use ? kNowPeriod : kIdleNowPeriod) * rate_) return;
  if (offline && frames == 0) return;
  since_now_ = 0;
  ToEngine message;
  message.type = ToEngineType::kNow;
  message.place.at = until;
  message.offline = offline;
  message.serial = ++serial_;
  tell(message);
  if (offline) wait_for_engine(serial_, out, time);
}

void Instance::wait_for_engine(std::uint32_t serial, const clap::OutputEvents* out, std::uint32_t time) noexcept {
  const auto began = Clock::now();
  while (exchange_.done.load(std::memory_order_acquire) != serial) {
    const auto waited = Clock::now() - began;
    if (waited > kOfflinePatience || !is_ready()) return;
    take_from_engine(time, out);
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
}

/// A render that begins before the engine is found waits for it, once: without it there is nothing to render.
void Instance::wait_for_connection() noexcept {
  const auto give_up = Clock::now() + kConnectPatience;
  while (!is_ready() && Clock::now() < give_up) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

bool Instance::is_ready() const noexcept {
  const auto state = static_cast<EngineState>(exchange_.state.load());
  return state == EngineState::kReady || state == EngineState::kLate;
}

void Instance::reset() noexcept {
  player_.silence();
  all_keys_up();
}

void Instance::all_keys_up() noexcept {
  for (auto& word : exchange_.keys) word.store(0, std::memory_order_relaxed);
  exchange_.dropped.store(true, std::memory_order_relaxed);  // the link tells that none is held
}

bool Instance::any_key() const noexcept {
  return std::any_of(exchange_.keys.begin(), exchange_.keys.end(),
                     [](const auto& word) { return word.load(std::memory_order_relaxed) != 0; });
}

void Instance::flush(const clap::InputEvents* in, const clap::OutputEvents* out) noexcept {
  const std::uint32_t num_events = in == nullptr ? 0 : in->size(in);
  for (std::uint32_t i = 0; i < num_events; ++i) {
    const clap::EventHeader* event = in->get(in, i);
    if (event == nullptr || event->space_id != clap::kCoreSpace) continue;
    if (event->type == clap::kParamValue || event->type == clap::kParamMod) hear(event, beat_.now());
  }
  take_from_engine(0, out);
}

}  // namespace sideman::plugin
