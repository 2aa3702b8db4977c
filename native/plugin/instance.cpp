#include "instance.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <thread>
#include <utility>

namespace sideman::plugin {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kOldest = 0.06;  // seconds by which a strike may be late and still sound, at once
constexpr std::chrono::seconds kOfflinePatience{20};  // for one block
constexpr std::chrono::seconds kConnectPatience{3}, kStartPatience{60};  // of a render that begins without an engine
constexpr std::size_t kBatch = 256;

}  // namespace

Instance::Instance(const clap::Host* host)
    : host_(host), link_(exchange_, [host] { host->request_callback(host); }) {}

Instance::~Instance() {
  if (link_thread_ != nullptr) link_thread_->remove(&link_);
}

void Instance::init() {
  const auto* ports = static_cast<const clap::HostNotePorts*>(host_->get_extension(host_, clap::kNotePortsId));
  if (ports == nullptr) return;
  const std::uint32_t dialects = ports->supported_dialects(host_) & (clap::kDialectClap | clap::kDialectMidi);
  if (dialects != 0) output_.set_dialects(dialects);
}

bool Instance::activate(double frames_per_second) {
  if (!(frames_per_second >= 1000.0 && frames_per_second <= 1e7)) return false;
  beat_.set_rate(frames_per_second);
  teller_.set_rate(frames_per_second);
  if (exchange_.offline.load()) exchange_.restarting.store(true);
  if (link_thread_ == nullptr) {
    std::shared_ptr<LinkThread> thread = LinkThread::get();
    thread->add(&link_);
    link_thread_ = std::move(thread);  // only now: where there was no room, the next activation tries again
  }
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

void Instance::engine_text(double value, char* text, std::size_t size) {
  constexpr int kLast = static_cast<int>(EngineState::kReady);
  const char* const words[kLast + 1] = {"not running", "starting", "refuses", "late", "ready"};
  const int state = value >= 0.0 && value <= kLast ? static_cast<int>(value) : 0;
  const std::lock_guard<std::mutex> lock(exchange_.text_mutex);
  const bool says = !exchange_.said.empty();
  std::snprintf(text, size, "%s%s%s", words[state], says ? ": " : "", exchange_.said.c_str());
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
  output_.settle(0, out);
  if (exchange_.restarting.exchange(false) && exchange_.offline.load()) {  // a render may have been called off again
    wait_for_connection();
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
  const bool played = teller_.was_playing();
  if (beat_.begin(transport)) {
    if (exchange_.offline.load(std::memory_order_relaxed) && beat_.place().playing && !played) {
      render_anew(time, out);
      beat_.begin(transport);
    }
    player_.silence();
    teller_.is_used();
  }
  teller_.place(beat_.place());
}

/// A render begins: from here on the music depends on seed, chart, automation and keys alone.
void Instance::render_anew(std::uint32_t time, const clap::OutputEvents* out) noexcept {
  player_.silence();
  emit_due(std::numeric_limits<MicroBeats>::max(), time, 0, out);
  beat_.restart();
  if (!teller_.restart()) exchange_.restarting.store(true);  // with the next block
  teller_.place(beat_.place());
  teller_.keys();
}

void Instance::play(std::uint32_t time, std::uint32_t frames, const clap::OutputEvents* out) noexcept {
  if (teller_.now(frames, static_cast<MicroBeats>(beat_.beat_after(frames)), beat_.place().playing))
    wait_for_engine(time, out);
  take_from_engine(time, out);
  emit_due(beat_.now(), time, 0, out);  // what was ended, at once
  if (frames > 0) emit_due(beat_.last_beat(frames), time, frames, out);
}

void Instance::take_from_engine(std::uint32_t time, const clap::OutputEvents* out) noexcept {
  const MicroBeats oldest = beat_.now() - static_cast<MicroBeats>(kOldest * beat_.micro_beats_per_second());
  FromEngine message;
  while (exchange_.from_engine.try_pop(message)) {
    if (message.type == FromEngineType::kParameter)
      output_.write_gesture(message, time, out);
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
      output_.write(events[i], time + frame, out);
    }
    if (count > 0) teller_.is_used();
  } while (count + 2 > kBatch);
}

void Instance::wait_for_engine(std::uint32_t time, const clap::OutputEvents* out) noexcept {
  const auto began = Clock::now();
  while (exchange_.done.load(std::memory_order_acquire) != teller_.serial()) {
    const auto waited = Clock::now() - began;
    if (waited > kOfflinePatience || !is_ready()) return;
    take_from_engine(time, out);
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
}

/// A render that begins before the engine is found waits for it, once: without it there is nothing to render.
void Instance::wait_for_connection() noexcept {
  const auto began = Clock::now();
  while (!is_ready() && exchange_.offline.load()) {
    const bool starting = exchange_.state.load() == static_cast<int>(EngineState::kStarting);
    if (Clock::now() - began > (starting ? kStartPatience : kConnectPatience)) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

bool Instance::is_ready() const noexcept {
  const auto state = static_cast<EngineState>(exchange_.state.load());
  return state == EngineState::kReady || state == EngineState::kLate;
}

void Instance::reset() noexcept {
  player_.silence();
  beat_.forget_plans();
  all_keys_up();
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
