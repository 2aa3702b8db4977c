#pragma once

#include <bitset>
#include <cstdint>

#include "clap_abi.h"
#include "messages.h"
#include "sideman/midi_event.h"

namespace sideman::plugin {

/// Writes what is played into the host's list of events, which may be full: an end that finds no room is owed, and
/// comes before anything else as soon as there is some. Thread: audio. Realtime-safe: yes.
class HostOutput {
 public:
  /// The dialects of notes that the host understands. Thread: main, before anything is written.
  void set_dialects(std::uint32_t dialects) noexcept { dialects_ = dialects; }

  /// A note in the host's dialect, anything else as MIDI. out: null where the host takes nothing.
  void write(const MidiEvent& event, std::uint32_t time, const clap::OutputEvents* out) noexcept;

  /// Writes the ends that are owed, as far as there is room.
  void settle(std::uint32_t time, const clap::OutputEvents* out) noexcept;

  /// A value that another surface has set: to the host a gesture, which it may record.
  void write_gesture(const FromEngine& message, std::uint32_t time, const clap::OutputEvents* out) const noexcept;

 private:
  /// Whether the host took it.
  bool push(const MidiEvent& event, std::uint32_t time, const clap::OutputEvents* out) const noexcept;

  std::uint32_t dialects_ = clap::kDialectClap | clap::kDialectMidi;
  std::bitset<kKeys> owed_;  // by key_of
};

}  // namespace sideman::plugin
