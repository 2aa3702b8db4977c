#pragma once

#include <cstdint>

#include "clap_abi.h"

namespace sideman::plugin {

/// Millionths of a quarter note on the plug-in's own count, which only grows: it is tied to the host's song while that
/// plays, and goes on at the host's tempo while it stands still.
using MicroBeats = std::int64_t;

/// What the engine is told of the host.
struct Place {
  MicroBeats at = 0;    // our own count
  MicroBeats song = 0;  // the host's position there
  double tempo_bpm = 120.0;
  MicroBeats loop_start = 0, loop_end = 0;
  std::uint32_t epoch = 0;  // another one since the host has started, stopped, jumped or reset us
  std::uint16_t metre_count = 4, metre_unit = 4;
  bool playing = false, looping = false;

  bool operator==(const Place& other) const noexcept;
};

/// The host's transport, read a stretch of frames at a time. Thread: audio. Realtime-safe: yes.
class HostBeat {
 public:
  /// The frames from now on have this rate. The count goes on.
  void set_rate(double frames_per_second) noexcept { rate_ = frames_per_second; }

  /// The count starts anew at 0, in another epoch.
  void restart() noexcept;

  /// All that was planned is void, as after a jump, though the host goes on.
  void forget_plans() noexcept { ++epoch_; }

  /// Begins a stretch with what the host says of its first frame; null: nothing. Whether the host started, stopped or
  /// jumped, so that all that was planned is void.
  bool begin(const clap::EventTransport* transport) noexcept;

  /// Goes on to the end of a stretch of so many frames.
  void advance(std::uint32_t frames) noexcept { now_ = beat_after(frames); }

  /// Our count so many frames into the stretch, in microbeats.
  double beat_after(std::uint32_t frames) const noexcept;

  /// The first frame of a stretch of `frames` that lies at or after a beat, to half a microbeat; `frames` where none
  /// does.
  std::uint32_t frame_of(MicroBeats beat, std::uint32_t frames) const noexcept;

  /// The last beat that is due within a stretch of so many frames, at least one.
  MicroBeats last_beat(std::uint32_t frames) const noexcept;

  /// Of the present frame.
  Place place() const noexcept;
  MicroBeats now() const noexcept { return static_cast<MicroBeats>(now_); }
  double micro_beats_per_second() const noexcept { return tempo_ * 1e6 / 60.0; }
  std::uint32_t epoch() const noexcept { return epoch_; }

 private:
  bool wraps(double by) const noexcept;

  double rate_ = 48000.0;
  double now_ = 0.0;     // our count
  double offset_ = 0.0;  // the song's position minus our count
  double tempo_ = 120.0, tempo_inc_ = 0.0;
  double loop_start_ = 0.0, loop_end_ = 0.0;
  std::uint32_t epoch_ = 1;
  std::uint16_t metre_count_ = 4, metre_unit_ = 4;
  bool playing_ = false, looping_ = false;
};

}  // namespace sideman::plugin
