#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "messages.h"
#include "parameters.h"
#include "sideman/midi_event.h"
#include "sideman/spsc_ring.h"

namespace sideman::plugin {

/// How it stands with the engine: the value of the parameter "Engine".
enum class EngineState : int { kMissing = 0, kStarting = 1, kRefused = 2, kLate = 3, kReady = 4 };

/// Of a key that is told anew: how hard it was struck is forgotten, and nothing hangs on it.
constexpr std::uint8_t kSomeVelocity = 80;

constexpr std::uint8_t kSustainPedal = 64, kAllSoundOff = 120, kResetControllers = 121;

/// What audio thread, main thread and link share. The audio thread touches rings and atomics alone.
struct Exchange {
  Exchange() {
    for (std::size_t i = 0; i < kNumRows; ++i) values[i].store(kRows[i].initial, std::memory_order_relaxed);
  }

  SpscRing<ToEngine> to_engine{4096};      // audio thread -> link
  SpscRing<FromEngine> from_engine{8192};  // link -> audio thread

  std::array<std::atomic<double>, kNumRows> values;        // of the parameters, as host and project have them
  std::array<std::atomic<double>, kNumRows> offsets{};     // what the host's modulation adds; audio thread
  std::array<std::atomic<std::uint64_t>, kKeys / 64> keys{};  // held by the player: channel x pitch; audio thread
  std::array<std::atomic<std::uint8_t>, 16> pedals{};  // sustain, as the player has it, of each channel; audio thread
  std::atomic<bool> dropped{false};      // to_engine was full: the link tells everything anew
  std::atomic<bool> tell_all{false};     // the engine is another one
  std::atomic<bool> tell_values{false};  // a state was loaded, or another surface has set something
  std::atomic<bool> in_use{false};       // something plays or is played: the link looks every millisecond
  std::atomic<bool> offline{false};      // the host renders faster than time passes
  std::atomic<bool> restarting{false};   // the next block begins a render; the audio thread takes it
  std::atomic<int> state{static_cast<int>(EngineState::kMissing)};
  std::atomic<std::uint32_t> done{0};    // offline: the serial of the last block whose notes have all come
  std::atomic<std::uint32_t> texts_changed{0};  // counts changes that the engine has made; the main thread tells the host

  std::mutex text_mutex;  // main thread and link
  std::array<std::string, kNumTexts> texts;
  std::string said;  // the last word of trouble: the engine's, or why there is none

  /// Calls visit(channel, pitch) for every key that the player holds. Thread-safe: yes. Realtime-safe: yes.
  template <typename Visit>
  void for_each_held(Visit visit) const noexcept {
    for (std::size_t key = 0; key < kKeys; ++key)
      if ((keys[key >> 6].load(std::memory_order_relaxed) >> (key & 63) & 1u) != 0)
        visit(static_cast<std::uint8_t>(key / 128), static_cast<std::uint8_t>(key % 128));
  }

  /// Calls visit(channel, value) for every sustain pedal that is not all up. Thread-safe: yes. Realtime-safe: yes.
  template <typename Visit>
  void for_each_pedal(Visit visit) const noexcept {
    for (std::size_t channel = 0; channel < pedals.size(); ++channel)
      if (const std::uint8_t value = pedals[channel].load(std::memory_order_relaxed); value != 0)
        visit(static_cast<std::uint8_t>(channel), value);
  }

  /// What the engine hears of a parameter. Thread-safe: yes. Realtime-safe: yes.
  double effective(std::size_t row) const noexcept {
    const double value =
        values[row].load(std::memory_order_relaxed) + offsets[row].load(std::memory_order_relaxed);
    return clamped(kRows[row], value);
  }
};

}  // namespace sideman::plugin
