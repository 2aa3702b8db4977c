#pragma once

#include <chrono>

namespace sideman {

/// The unit of every deadline: microseconds on the monotonic clock.
using Micros = std::chrono::microseconds;

/// The one clock: steady_clock, which on Linux is CLOCK_MONOTONIC and so equals Python's time.monotonic_ns() // 1000.
/// Thread-safe: yes. Realtime-safe: yes.
inline Micros now() noexcept {
  return std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace sideman
