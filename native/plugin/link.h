#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "address.h"
#include "exchange.h"
#include "loopback.h"
#include "starter.h"

namespace sideman::plugin {

/// What stands between an instance's rings and the engine's socket. It finds the engine, tells it everything, and finds
/// it again. Nothing here waits. Thread: the links' (LinkThread).
class Link {
 public:
  using Clock = std::chrono::steady_clock;

  /// How soon there may be something to do: kHurried for a host that renders and waits, kBusy while something plays.
  enum class Pace { kIdle, kBusy, kHurried };

  /// changed: called when there is news for the host.
  Link(Exchange& exchange, std::function<void()> changed);

  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Carries what there is to carry, both ways.
  void step(Clock::time_point now, Starter& starter);

  Pace pace(Clock::time_point now) const noexcept;

  /// What wakes it early, for wait_for_any(); below 0: nothing does.
  std::intptr_t handle() const noexcept { return stuck_ ? -1 : socket_.handle(); }

 private:
  enum class Stage { kAway, kConnecting, kGreeting, kServing };

  void look(Clock::time_point now, Starter& starter);
  void miss(Clock::time_point now, Starter& starter);
  void connect(Clock::time_point now, Starter& starter);
  void greet(Clock::time_point now);
  void serve(Clock::time_point now);
  void begin_service(Clock::time_point now);
  void lose(EngineState state, const std::string& said, Clock::time_point now);
  void forward(Clock::time_point now);
  bool send(Clock::time_point now);
  bool receive(Clock::time_point now);
  void take_frames();
  void tell_all();
  void tell_values();
  bool take(const Frame& frame);
  void take_text(const Frame& frame);
  void set_state(EngineState state, const std::string& said);
  bool push(const FromEngine& message) noexcept;
  void watch_lateness(Clock::time_point now);

  Exchange& exchange_;
  const std::function<void()> changed_;
  Loopback socket_;
  Address address_;
  Stage stage_ = Stage::kAway;
  Clock::time_point until_{};      // when to look again, or how long to be patient
  Clock::time_point heard_{};      // the engine's last sign of life
  Clock::time_point forwarded_{};  // the host's last word
  Clock::time_point sent_{};       // when the engine last took something, or had taken everything
  std::vector<std::uint8_t> out_, in_;
  bool stuck_ = false;         // the host takes no more notes for the moment
  bool silence_owed_ = false;  // the notes of an engine that is gone shall end
  bool was_in_use_ = false;
  ToEngine place_;  // the last one, for an engine that comes later
};

}  // namespace sideman::plugin
