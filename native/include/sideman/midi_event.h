#pragma once

#include <cstddef>
#include <cstdint>

#include "sideman/clock.h"

namespace sideman {

/// A channel message and its deadline.
struct MidiEvent {
  Micros due{0};
  std::uint8_t status = 0;
  std::uint8_t data1 = 0;
  std::uint8_t data2 = 0;
};

inline constexpr std::size_t kKeys = 16 * 128;  // channel x pitch

inline bool is_note_on(const MidiEvent& event) noexcept { return (event.status & 0xF0) == 0x90 && event.data2 > 0; }

inline bool is_note_off(const MidiEvent& event) noexcept {
  return (event.status & 0xF0) == 0x80 || ((event.status & 0xF0) == 0x90 && event.data2 == 0);
}

/// Index of a note event's (channel, pitch), below kKeys.
inline std::size_t key_of(const MidiEvent& event) noexcept {
  return static_cast<std::size_t>(event.status & 0x0F) * 128u + event.data1;
}

}  // namespace sideman
