#include "link.h"

#include <string>
#include <utility>

namespace sideman::plugin {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRetry{500}, kWelcomePatience{5000}, kLate{1500};
constexpr int kBusyMs = 1, kIdleMs = 10;
constexpr std::size_t kChunk = 4096;
constexpr std::uint8_t kAllSoundOff = 120, kResetControllers = 121;

}  // namespace

Link::Link(Exchange& exchange, std::function<void()> changed) : exchange_(exchange), changed_(std::move(changed)) {
  place_.type = ToEngineType::kPlace;
}

Link::~Link() {
  ending_.store(true);
  if (thread_.joinable()) thread_.join();
}

void Link::start() {
  if (!thread_.joinable()) thread_ = std::thread(&Link::run, this);
}

void Link::run() {
  Clock::time_point next{};
  while (!ending_.load()) {
    if (Clock::now() >= next) {
      if (open()) {
        serve();
        push(FromEngine{});  // silence: whatever becomes of the engine, the notes end
        set_state(EngineState::kMissing);
      }
      socket_.close();
      next = Clock::now() + kRetry;
    }
    out_.clear();
    forward();  // nobody hears it, but the place is kept and the ring never fills
    std::this_thread::sleep_for(milliseconds(kIdleMs));
  }
}

bool Link::open() {
  in_.clear();
  Address address;
  if (!read_address(address_path(), address) || !socket_.connect(address.port)) {
    set_state(EngineState::kMissing);
    return false;
  }
  out_.clear();
  write_hello(out_, address.token);
  if (!socket_.send(out_.data(), out_.size())) return false;
  const auto give_up = Clock::now() + kWelcomePatience;
  std::uint8_t bytes[kChunk];
  while (!ending_.load() && Clock::now() < give_up) {
    const std::ptrdiff_t came = socket_.receive(bytes, sizeof bytes, kIdleMs);
    if (came < 0) break;
    in_.insert(in_.end(), bytes, bytes + came);
    Frame frame;
    std::size_t used = 0;
    if (read_frame(in_.data(), in_.size(), frame, used)) {
      const bool welcome = frame.type == FromEngineType::kWelcome;
      if (!welcome) take(frame);  // why not
      in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(used));
      if (welcome) return true;
      break;
    }
  }
  set_state(EngineState::kRefused);
  return false;
}

void Link::serve() {
  heard_ = Clock::now();
  exchange_.tell_all.store(true);
  {
    const std::lock_guard<std::mutex> lock(exchange_.text_mutex);
    exchange_.said.clear();
  }
  set_state(EngineState::kReady);
  while (!ending_.load()) {
    out_.clear();
    if (!forward()) return;
    const bool hurried = exchange_.offline.load(std::memory_order_relaxed);
    const bool busy = exchange_.in_use.load(std::memory_order_relaxed);
    if (!hear(hurried ? 0 : busy ? kBusyMs : kIdleMs)) return;
    if (hurried) std::this_thread::sleep_for(std::chrono::microseconds(100));
    const bool late = Clock::now() - heard_ > kLate;
    const auto state = static_cast<EngineState>(exchange_.state.load());
    if (late && state == EngineState::kReady) {
      push(FromEngine{});
      set_state(EngineState::kLate);
    } else if (!late && state == EngineState::kLate) {
      set_state(EngineState::kReady);
    }
  }
}

bool Link::forward() {
  const bool open = socket_.is_open();
  const bool dropped = exchange_.dropped.exchange(false);
  const bool values = exchange_.tell_values.exchange(false);
  if ((exchange_.tell_all.exchange(false) || dropped) && open)
    tell_all();
  else if (values && open)
    tell_values();
  ToEngine message;
  while (exchange_.to_engine.try_pop(message)) {
    if (message.type == ToEngineType::kPlace) place_ = message;
    if (message.type == ToEngineType::kRestart && open) {  // the render shall begin with all that the host has set
      exchange_.tell_all.store(false);
      exchange_.tell_values.store(false);
      tell_all();
    }
    write(out_, message);
  }
  return open && (out_.empty() || socket_.send(out_.data(), out_.size()));
}

/// Texts first, since a mode may need the chart.
void Link::tell_values() {
  {
    const std::lock_guard<std::mutex> lock(exchange_.text_mutex);
    for (std::size_t i = 0; i < kNumTexts; ++i) write_text(out_, kTextNames[i], exchange_.texts[i]);
  }
  ToEngine message;
  message.type = ToEngineType::kParameter;
  message.place.at = place_.place.at;
  for (std::size_t row = 0; row < kNumRows; ++row) {
    message.id = kRows[row].id;
    message.value = exchange_.effective(row);
    write(out_, message);
  }
}

/// The place before the keys, since they are of its moment.
void Link::tell_all() {
  tell_values();
  write(out_, place_);
  ToEngine message;
  message.place.at = place_.place.at;
  message.type = ToEngineType::kKey;
  for (std::uint8_t channel = 0; channel < 16; ++channel) {
    for (const std::uint8_t controller : {kAllSoundOff, kResetControllers}) {
      message.message[0] = static_cast<std::uint8_t>(0xB0 | channel);
      message.message[1] = controller;
      message.message[2] = 0;
      write(out_, message);
    }
  }
  for (std::size_t key = 0; key < kKeys; ++key) {
    if ((exchange_.keys[key >> 6].load(std::memory_order_relaxed) >> (key & 63) & 1u) == 0) continue;
    message.message[0] = static_cast<std::uint8_t>(0x90 | key / 128);
    message.message[1] = static_cast<std::uint8_t>(key % 128);
    message.message[2] = 80;  // how hard is forgotten, and nothing hangs on it
    write(out_, message);
  }
}

bool Link::hear(int timeout_ms) {
  std::uint8_t bytes[kChunk];
  for (;;) {
    const std::ptrdiff_t came = socket_.receive(bytes, sizeof bytes, timeout_ms);
    if (came < 0) return false;
    if (came == 0) return true;
    heard_ = Clock::now();
    in_.insert(in_.end(), bytes, bytes + came);
    std::size_t read_to = 0, used = 0;
    for (Frame frame; read_frame(in_.data() + read_to, in_.size() - read_to, frame, used); read_to += used) take(frame);
    in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(read_to));
    timeout_ms = 0;
  }
}

void Link::take(const Frame& frame) {
  FromEngine message;
  std::uint32_t serial = 0;
  if (read(frame, message)) {
    const std::size_t row = message.type == FromEngineType::kParameter ? row_of(message.id) : kNumRows;
    if (message.type == FromEngineType::kParameter && row == kNumRows) return;
    if (row < kNumRows) {
      exchange_.values[row].store(clamped(kRows[row], message.value), std::memory_order_relaxed);
      exchange_.tell_values.store(true);  // what the host has is what the engine shall play
    }
    push(message);
  } else if (read_done(frame, serial)) {
    exchange_.done.store(serial, std::memory_order_release);
  } else if (frame.type == FromEngineType::kStatus) {
    {
      const std::lock_guard<std::mutex> lock(exchange_.text_mutex);
      exchange_.said.assign(reinterpret_cast<const char*>(frame.payload), frame.size);
    }
    changed_();
  } else if (frame.type == FromEngineType::kText && frame.size > 0 && frame.payload[0] < frame.size) {
    const auto* bytes = reinterpret_cast<const char*>(frame.payload);
    const std::string name(bytes + 1, frame.payload[0]);
    for (std::size_t i = 0; i < kNumTexts; ++i) {
      if (name != kTextNames[i]) continue;
      const std::lock_guard<std::mutex> lock(exchange_.text_mutex);
      exchange_.texts[i].assign(bytes + 1 + frame.payload[0], frame.size - 1 - frame.payload[0]);
      exchange_.texts_changed.fetch_add(1);
      exchange_.tell_values.store(true);
    }
    changed_();
  }
}

void Link::set_state(EngineState state) {
  if (exchange_.state.exchange(static_cast<int>(state)) != static_cast<int>(state)) changed_();
}

void Link::push(const FromEngine& message) noexcept {
  // A full ring: the host has stopped processing, or asks seldom. Waiting here makes the engine wait, in the end.
  while (!exchange_.from_engine.try_push(message) && !ending_.load() && message.type != FromEngineType::kSilence)
    std::this_thread::sleep_for(milliseconds(kBusyMs));
}

}  // namespace sideman::plugin
