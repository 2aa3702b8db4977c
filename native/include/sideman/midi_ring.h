#pragma once

#include <atomic>
#include <cstdint>

#include "sideman/clock.h"
#include "sideman/spsc_ring.h"

namespace sideman {

/// A short MIDI message as it came in.
struct MidiMessage {
  Micros time{0};
  std::uint8_t size = 0;  // 1..3
  std::uint8_t bytes[3] = {};
};

/// From the MIDI-in callback to the session thread. A full ring refuses the newest message and counts it.
class MidiRing {
 public:
  explicit MidiRing(std::size_t capacity) : ring_(capacity) {}

  /// Thread: producer only. Realtime-safe: yes (wait-free, never allocates).
  bool push(const MidiMessage& message) noexcept {
    if (ring_.try_push(message)) return true;
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }

  /// Thread: consumer only. Realtime-safe: yes (wait-free, never allocates).
  bool pop(MidiMessage& message) noexcept { return ring_.try_pop(message); }

  /// Messages waiting. Thread: consumer only. Realtime-safe: yes.
  std::size_t size() const noexcept { return ring_.size(); }

  /// Messages refused so far. Thread-safe: yes. Realtime-safe: yes.
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  SpscRing<MidiMessage> ring_;
  std::atomic<std::uint64_t> dropped_{0};  // Writer only; anyone looks
};

}  // namespace sideman
