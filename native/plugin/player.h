#pragma once

#include <cstddef>
#include <cstdint>

#include "messages.h"
#include "sideman/scheduler.h"

namespace sideman::plugin {

/// The engine's notes between their arrival and their frame.
///
/// Design: native's scheduler, whose two sides are both the audio thread here and whose microseconds are microbeats.
/// So the guarantees of a cancel are the same: a note is withdrawn whole, or it sounds and gets its end.
/// Thread: audio. Realtime-safe: yes.
class Player {
 public:
  /// Takes what the engine has sent; what is of another epoch is void. A strike due before `oldest` is left out.
  void take(const FromEngine& message, std::uint32_t epoch, MicroBeats oldest) noexcept;

  /// Withdraws everything and ends what sounds with the next due().
  void silence() noexcept;

  /// At most `max` (at least 2) messages due by a beat, in order, each with its beat; how many.
  std::size_t due(MicroBeats by, MidiEvent* out, std::size_t max) noexcept { return scheduler_.poll(Micros{by}, out, max); }

  bool sounds() const noexcept;

  /// Strikes that came too late, or found no room.
  std::uint64_t missed() const noexcept { return missed_; }

 private:
  Scheduler scheduler_;
  std::uint64_t missed_ = 0;
};

}  // namespace sideman::plugin
