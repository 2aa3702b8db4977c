#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "exchange.h"
#include "loopback.h"

namespace sideman::plugin {

/// The thread between the rings and the engine's socket. It finds the engine, tells it everything, and finds it again.
///
/// It looks at the ring every millisecond while something is going on, and ten times less often else, so that the audio
/// thread need not wake it.
class Link {
 public:
  /// changed: called on the link's thread when there is news for the host.
  Link(Exchange& exchange, std::function<void()> changed);

  /// Ends the thread, within a tenth of a second.
  ~Link();

  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Starts the thread, the first time. Thread: main.
  void start();

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  bool open();
  void serve();
  bool forward();
  void tell_all();
  void tell_values();
  bool hear(int timeout_ms);
  void take(const Frame& frame);
  void set_state(EngineState state);
  void push(const FromEngine& message) noexcept;

  Exchange& exchange_;
  const std::function<void()> changed_;
  std::atomic<bool> ending_{false};
  std::thread thread_;

  // The link's thread only.
  Loopback socket_;
  std::vector<std::uint8_t> out_;
  std::vector<std::uint8_t> in_;
  ToEngine place_;  // the last one, for an engine that comes later
  Clock::time_point heard_{};
};

}  // namespace sideman::plugin
