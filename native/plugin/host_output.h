#pragma once

#include <cstdint>

#include "clap_abi.h"
#include "messages.h"
#include "sideman/midi_event.h"

namespace sideman::plugin {

/// Writes what is played into the host's list of events. Thread: audio. Realtime-safe: yes.
class HostOutput {
 public:
  /// The dialects of notes that the host understands. Thread: main, before anything is written.
  void set_dialects(std::uint32_t dialects) noexcept { dialects_ = dialects; }

  /// A note in the host's dialect, anything else as MIDI. out: null where the host takes nothing.
  void write(const MidiEvent& event, std::uint32_t time, const clap::OutputEvents* out) const noexcept;

  /// A value that another surface has set: to the host a gesture, which it may record.
  void write_gesture(const FromEngine& message, std::uint32_t time, const clap::OutputEvents* out) const noexcept;

 private:
  std::uint32_t dialects_ = clap::kDialectClap | clap::kDialectMidi;
};

}  // namespace sideman::plugin
