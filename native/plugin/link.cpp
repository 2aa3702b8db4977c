#include "link.h"

#include <utility>

#include "project_text.h"

namespace sideman::plugin {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRetry{500}, kConnectPatience{1000}, kWelcomePatience{5000}, kSendPatience{500};
constexpr milliseconds kLate{1500}, kLateAtRest{5000};
constexpr milliseconds kHurry{100};  // since a rendering host's last word
constexpr std::size_t kChunk = 4096, kMostWaiting = std::size_t{1} << 22;

}  // namespace

Link::Link(Exchange& exchange, std::function<void()> changed) : exchange_(exchange), changed_(std::move(changed)) {
  place_.type = ToEngineType::kPlace;
}

Link::Pace Link::pace(Clock::time_point now) const noexcept {
  if (exchange_.offline.load(std::memory_order_relaxed) && now - forwarded_ < kHurry) return Pace::kHurried;
  return exchange_.in_use.load(std::memory_order_relaxed) ? Pace::kBusy : Pace::kIdle;
}

void Link::step(Clock::time_point now, Starter& starter) {
  if (silence_owed_) silence_owed_ = !push(FromEngine{});
  if (stage_ == Stage::kAway && now >= until_) look(now, starter);
  if (stage_ == Stage::kConnecting) connect(now, starter);
  if (stage_ == Stage::kGreeting) greet(now);
  forward(now);
  if (stage_ == Stage::kServing) serve(now);
}

void Link::look(Clock::time_point now, Starter& starter) {
  if (read_address(address_path(), address_) && socket_.connect(address_.port)) {
    stage_ = Stage::kConnecting;
    until_ = now + kConnectPatience;
    return;
  }
  miss(now, starter);
}

void Link::miss(Clock::time_point now, Starter& starter) {
  starter.want(now);
  lose(starter.is_starting() ? EngineState::kStarting : EngineState::kMissing, starter.trouble(), now);
}

void Link::connect(Clock::time_point now, Starter& starter) {
  const int connected = socket_.is_connected();
  if (connected < 0 || (connected == 0 && now >= until_)) miss(now, starter);
  if (connected <= 0) return;
  write_hello(out_, address_.token);
  stage_ = Stage::kGreeting;
  sent_ = now;
  until_ = now + kWelcomePatience;
}

void Link::greet(Clock::time_point now) {
  Frame frame;
  std::size_t used = 0;
  const bool open = send(now) && receive(now);
  if (read_frame(in_.data(), in_.size(), frame, used)) {
    const bool welcome = frame.type == FromEngineType::kWelcome;
    if (welcome) {
      in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(used));
      begin_service(now);
    } else {  // why not
      const bool says = frame.type == FromEngineType::kStatus;
      const auto* text = reinterpret_cast<const char*>(frame.payload);
      lose(EngineState::kRefused, says ? std::string(text, frame.size) : std::string(), now);
    }
  } else if (!open || now >= until_) {
    lose(EngineState::kRefused, std::string(), now);
  }
}

void Link::begin_service(Clock::time_point now) {
  stage_ = Stage::kServing;
  heard_ = now;
  exchange_.tell_all.store(true);
  set_state(EngineState::kReady, std::string());
}

/// Whatever becomes of the engine, the notes end.
void Link::lose(EngineState state, const std::string& said, Clock::time_point now) {
  socket_.close();
  if (stage_ == Stage::kServing) silence_owed_ = !push(FromEngine{});
  stage_ = Stage::kAway;
  stuck_ = false;
  out_.clear();
  in_.clear();
  set_state(state, said);
  until_ = now + kRetry;
}

void Link::serve(Clock::time_point now) {
  if (!send(now) || !receive(now))
    lose(EngineState::kMissing, std::string(), now);
  else
    watch_lateness(now);
}

void Link::watch_lateness(Clock::time_point now) {
  const bool in_use = exchange_.in_use.load(std::memory_order_relaxed);
  const bool offline = exchange_.offline.load(std::memory_order_relaxed);  // who renders has a patience of its own
  const bool listens = !stuck_ && (!in_use || was_in_use_);                // or it is we; at rest it says little
  if (offline || !listens) heard_ = now;
  was_in_use_ = in_use;
  const bool late = now - heard_ > (in_use ? kLate : kLateAtRest);
  const auto state = static_cast<EngineState>(exchange_.state.load());
  if (late && state == EngineState::kReady) {
    silence_owed_ = !push(FromEngine{});
    exchange_.state.store(static_cast<int>(EngineState::kLate));
    changed_();
  } else if (!late && state == EngineState::kLate) {
    exchange_.state.store(static_cast<int>(EngineState::kReady));
    changed_();
  }
}

/// Empties the ring, also where nobody hears it: the place is kept, and the ring never fills.
void Link::forward(Clock::time_point now) {
  const bool open = stage_ == Stage::kServing;
  const bool values = exchange_.tell_values.exchange(false);
  if (exchange_.tell_all.exchange(false) && open)
    tell_all();
  else if (values && open)
    tell_values();
  ToEngine message;
  while (exchange_.to_engine.try_pop(message)) {
    forwarded_ = now;
    if (message.type == ToEngineType::kPlace) place_ = message;
    if (!open) continue;
    if (message.type == ToEngineType::kRestart) {  // the render shall begin with all that the host has set
      exchange_.tell_all.store(false);
      exchange_.tell_values.store(false);
      tell_all();
    }
    write(out_, message);
  }
  // Behind what was in the ring, since that is older than what found it full.
  if (exchange_.dropped.exchange(false, std::memory_order_acquire) && open) tell_all();
}

bool Link::send(Clock::time_point now) {
  if (out_.empty()) {
    sent_ = now;
    return true;
  }
  const std::ptrdiff_t sent = socket_.send(out_.data(), out_.size());
  if (sent < 0) return false;
  if (sent > 0) sent_ = now;
  out_.erase(out_.begin(), out_.begin() + sent);
  return now - sent_ < kSendPatience && out_.size() < kMostWaiting;
}

/// Reads on only where everything before has been taken: a host that takes no more notes makes the engine wait.
bool Link::receive(Clock::time_point now) {
  std::uint8_t bytes[kChunk];
  if (stage_ == Stage::kServing) take_frames();
  while (!stuck_) {
    const std::ptrdiff_t came = socket_.receive(bytes, sizeof bytes);
    if (came <= 0) return came == 0;
    heard_ = now;
    in_.insert(in_.end(), bytes, bytes + came);
    if (stage_ == Stage::kServing) take_frames();
  }
  return true;
}

void Link::take_frames() {
  std::size_t read_to = 0, used = 0;
  stuck_ = false;
  for (Frame frame; read_frame(in_.data() + read_to, in_.size() - read_to, frame, used); read_to += used) {
    stuck_ = !take(frame);
    if (stuck_) break;
  }
  in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(read_to));
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
  exchange_.for_each_pedal([&](std::uint8_t channel, std::uint8_t value) {
    message.message[0] = static_cast<std::uint8_t>(0xB0 | channel);
    message.message[1] = kSustainPedal;
    message.message[2] = value;
    write(out_, message);
  });
  exchange_.for_each_held([&](std::uint8_t channel, std::uint8_t pitch) {
    message.message[0] = static_cast<std::uint8_t>(0x90 | channel);
    message.message[1] = pitch;
    message.message[2] = kSomeVelocity;
    write(out_, message);
  });
}

/// False, changing nothing: the host's ring is full.
bool Link::take(const Frame& frame) {
  FromEngine message;
  std::uint32_t serial = 0;
  if (read(frame, message)) {
    const std::size_t row = message.type == FromEngineType::kParameter ? row_of(message.id) : kNumRows;
    if (message.type == FromEngineType::kParameter && row == kNumRows) return true;
    if (row < kNumRows) message.value = clamped(kRows[row], message.value);
    if (!push(message)) return false;
    if (row < kNumRows) {
      exchange_.values[row].store(message.value, std::memory_order_relaxed);
      exchange_.tell_values.store(true);  // what the host has is what the engine shall play
    }
  } else if (read_done(frame, serial)) {
    exchange_.done.store(serial, std::memory_order_release);
  } else if (frame.type == FromEngineType::kStatus) {
    {
      const std::lock_guard<std::mutex> lock(exchange_.text_mutex);
      exchange_.said.assign(reinterpret_cast<const char*>(frame.payload), frame.size);
    }
    changed_();
  } else if (frame.type == FromEngineType::kText && frame.size > 0 && frame.payload[0] < frame.size) {
    take_text(frame);
    changed_();
  }
  return true;
}

void Link::take_text(const Frame& frame) {
  const auto* bytes = reinterpret_cast<const char*>(frame.payload);
  const std::string name(bytes + 1, frame.payload[0]);
  const std::string text(bytes + 1 + frame.payload[0], frame.size - 1 - frame.payload[0]);
  if (!is_text(text)) return;  // no project could be loaded that keeps it
  for (std::size_t i = 0; i < kNumTexts; ++i) {
    if (name != kTextNames[i]) continue;
    const std::lock_guard<std::mutex> lock(exchange_.text_mutex);
    exchange_.texts[i] = text;
    exchange_.texts_changed.fetch_add(1);
    exchange_.tell_values.store(true);
  }
}

void Link::set_state(EngineState state, const std::string& said) {
  bool changed = exchange_.state.exchange(static_cast<int>(state)) != static_cast<int>(state);
  {
    const std::lock_guard<std::mutex> lock(exchange_.text_mutex);
    changed = changed || exchange_.said != said;
    exchange_.said = said;
  }
  if (changed) changed_();
}

bool Link::push(const FromEngine& message) noexcept { return exchange_.from_engine.try_push(message); }

}  // namespace sideman::plugin
