#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "sideman/layout.h"

namespace sideman {

/// Quantities asked of the music, NaN where none is: notes a second, mean velocity, mean pitch, notes sounding, bass
/// notes a second.
enum Target : std::size_t { kDensity, kLoudness, kRegister, kThickness, kBass, kTargets };
using Targets = std::array<double, kTargets>;

/// How far the draw leans towards what is asked; engine/inference/draw/steering.py sets the values.
struct Steering {
  std::int64_t window_steps = 0;  // that are listened to; 0: nothing is steered
  int bass_below = 0;             // pitches that are bass
  double most = 0.0;              // of one move, in nats
  double strike = 0.0;            // of strikes, by the density that is missing
  double wait = 0.0;              // of shorter waits, by the same
  double hold = 0.0;              // of later ends, by the thickness that is missing
  double chord = 0.0;             // of further strikes at one moment, by the same
  double bass = 0.0;
  double register_ = 0.0;
  double loudness = 0.0;
  Targets offsets{};         // added to both sides, so that none is not infinitely far from some
  double first_notes = 0.0;  // counted as heard before the first strike, as asked: one note is no register yet
  double octave = 12.0;      // semitones that count as one unit of distance in the register
  double louder = 12.0;      // steps of velocity that count as one unit of distance in loudness
  double temperature = 0.8;  // of the sampler, at which moves of pitch are as said
};

/// What sounded in the window before a step, as sums.
struct Heard {
  std::int64_t steps = 0;  // of the window that have been played
  std::int64_t strikes = 0;
  std::int64_t velocities = 0;
  std::int64_t pitches = 0;
  std::int64_t bass = 0;            // strikes
  std::int64_t sounding_steps = 0;  // of all notes together
  bool struck_now = false;          // at the step itself
  std::int64_t velocity = -1;       // in force, in the middle of its bin; -1: none yet
};

/// Moves (num_ids) logits towards the targets. engine/inference/draw/steering.py is the specification.
/// Thread-safe: yes. Realtime-safe: yes.
void steer(const Steering& steering, const Heard& heard, const Targets& targets, const Layout& layout,
           double temperature, float* logits) noexcept;

}  // namespace sideman
