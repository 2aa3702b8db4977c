#include "host_beat.h"

#include <cmath>

namespace sideman::plugin {
namespace {

constexpr double kLowestBpm = 1.0, kHighestBpm = 9999.0;
constexpr double kLongestSong = 1e15;  // microbeats: what a double holds exactly, with room
// A host's position is where we expect it, but for its rounding and for a tempo that changed within the block.
constexpr double kToleranceSeconds = 0.010;
constexpr double kRounding = 0.5;  // microbeats: hosts round positions, and a frame that is due must not slip for it

double micro_beats(clap::BeatTime beats) noexcept { return static_cast<double>(beats) / clap::kBeatFactor * 1e6; }

bool is_tempo(double bpm) noexcept { return bpm >= kLowestBpm && bpm <= kHighestBpm; }  // NaN is none

}  // namespace

bool Place::operator==(const Place& other) const noexcept {
  // Position apart: between two places of one epoch it follows from the tempo.
  return tempo_bpm == other.tempo_bpm && loop_start == other.loop_start && loop_end == other.loop_end &&
         epoch == other.epoch && metre_count == other.metre_count && metre_unit == other.metre_unit &&
         playing == other.playing && looping == other.looping;
}

void HostBeat::restart() noexcept {
  now_ = 0.0;
  offset_ = 0.0;
  playing_ = false;
  ++epoch_;
}

bool HostBeat::begin(const clap::EventTransport* transport) noexcept {
  const bool played = playing_;
  tempo_inc_ = 0.0;
  if (transport == nullptr) {
    playing_ = looping_ = false;
    epoch_ += played;
    return played;
  }
  const std::uint32_t flags = transport->flags;
  if ((flags & clap::kHasTempo) != 0 && is_tempo(transport->tempo)) {
    tempo_ = transport->tempo;
    // Within a block of any length the tempo must stay one.
    if (std::isfinite(transport->tempo_inc) && is_tempo(tempo_ + transport->tempo_inc * rate_))
      tempo_inc_ = transport->tempo_inc;
  }
  if ((flags & clap::kHasMetre) != 0 && transport->tsig_num > 0 && transport->tsig_denom > 0) {
    metre_count_ = transport->tsig_num;
    metre_unit_ = transport->tsig_denom;
  }
  const double song = micro_beats(transport->song_pos_beats);
  playing_ = (flags & clap::kIsPlaying) != 0 && (flags & clap::kHasBeats) != 0 && std::abs(song) < kLongestSong;
  bool moved = playing_ != played;
  if (playing_ && played) {
    const double by = song - (now_ + offset_);
    if (std::abs(by) <= kToleranceSeconds * micro_beats_per_second())
      now_ += by;
    else if (wraps(by))
      offset_ = song - now_;  // the music goes on: the engine knew of the loop
    else
      moved = true;
  }
  if ((moved || !playing_) && std::abs(song) < kLongestSong) offset_ = song - now_;
  epoch_ += moved;
  looping_ = (flags & clap::kIsLooping) != 0 && transport->loop_end_beats > transport->loop_start_beats;
  loop_start_ = micro_beats(transport->loop_start_beats);
  loop_end_ = micro_beats(transport->loop_end_beats);
  return moved;
}

bool HostBeat::wraps(double by) const noexcept {
  return looping_ && std::abs(by + (loop_end_ - loop_start_)) <= kToleranceSeconds * micro_beats_per_second() &&
         now_ + offset_ >= loop_end_ - kToleranceSeconds * micro_beats_per_second();
}

double HostBeat::beat_after(std::uint32_t frames) const noexcept {
  const double n = frames;
  return now_ + (tempo_ * n + tempo_inc_ * n * (n - 1.0) / 2.0) * 1e6 / (60.0 * rate_);
}

std::uint32_t HostBeat::frame_of(MicroBeats beat, std::uint32_t frames) const noexcept {
  std::uint32_t low = 0, high = frames;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (beat_after(middle) + kRounding >= static_cast<double>(beat))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

MicroBeats HostBeat::last_beat(std::uint32_t frames) const noexcept {
  return static_cast<MicroBeats>(std::floor(beat_after(frames - 1) + kRounding));
}

Place HostBeat::place() const noexcept {
  Place place;
  place.at = static_cast<MicroBeats>(std::llround(now_));
  place.song = static_cast<MicroBeats>(std::llround(now_ + offset_));
  place.tempo_bpm = tempo_;
  place.loop_start = static_cast<MicroBeats>(std::llround(loop_start_));
  place.loop_end = static_cast<MicroBeats>(std::llround(loop_end_));
  place.epoch = epoch_;
  place.metre_count = metre_count_;
  place.metre_unit = metre_unit_;
  place.playing = playing_;
  place.looping = looping_;
  return place;
}

}  // namespace sideman::plugin
