#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "sideman/steering.h"
#include "sideman/stream_rules.h"
#include "sideman/theme.h"

namespace sideman {

/// A steady beat without end, within the limits that Stream::set_beat() keeps. engine/beats/phase.py is the specification.
struct Beat {
  double bpm = 0.0;  // 0: the beat is unknown
  std::int64_t beats_per_bar = 4;
  double origin_s = 0.0;  // a bar line

  /// Returns the bins of a moment: position in the beat 0..beat_bins-1 and beat of the bar 0..bar_bins-1; beat_bins and
  /// bar_bins where they are unknown. Thread-safe: yes. Realtime-safe: yes.
  std::pair<int, int> bins(double time_s, int beat_bins, int bar_bins) const noexcept;
};

/// The chords of a stream: ids and rising onsets, the first at 0. engine/model/chord_memory.py keeps it and merges repeats.
class ChordTrack {
 public:
  /// Sets how many chords a token sees back and ahead, and where relative indices are clipped.
  ChordTrack(int no_chord, int back, int ahead, int clip);

  /// Takes chords that check_chords() of src/stream/limits.h has passed. Allocates beyond 1024.
  void replace(const std::int64_t* ids, const std::int64_t* steps, std::size_t count);

  /// All that it knows takes place so many steps later; what holds first of all, from 0 or before on.
  void shift(std::int64_t steps) noexcept;

  /// A chord and its onset.
  struct Change {
    std::int64_t id;
    std::int64_t step;
  };
  /// Returns the chord in force at a step. Realtime-safe: yes.
  Change at(std::int64_t step) const noexcept;

  struct View {
    const std::int64_t* ids;
    const std::int64_t* rows;  // relative indices, as rows of the embedding
    int count;
  };
  /// Returns the chords that a token sees at a step; rows: room for back + 1 + ahead of them. Realtime-safe: yes.
  View view(std::int64_t step, std::int64_t* rows) const noexcept;

 private:
  std::ptrdiff_t index_at(std::int64_t step) const noexcept;

  int back_, ahead_, clip_;
  std::vector<std::int64_t> ids_, steps_;
};

/// All that was asked of a stream, which a fork takes over by one copy. engine/inference/draw/conditions.py is the
/// specification.
struct Conditions {
  explicit Conditions(const StreamRules& rules);

  /// Writes what is asked of each control at a step, which phrase and ending change with. Realtime-safe: yes.
  void levels_at(std::int64_t step, double step_s, const StreamRules& rules, float* levels_out) const noexcept;

  /// Returns where in the form a step lies; nothing where that is not known, or nothing is to be remembered.
  /// Realtime-safe: yes.
  std::optional<Place> remembered_place(std::int64_t step, double step_s, const StreamRules& rules) const noexcept;

  /// All of it takes place so many steps later. Realtime-safe: yes.
  void shift(std::int64_t steps, double step_s) noexcept;

  ChordTrack chords;
  Beat beat;
  bool leans = true;  // whether waits lean towards the beat
  Targets targets{};
  bool steers = false;                   // whether a target is asked
  std::vector<float> levels;             // by control
  std::optional<double> form_s;          // where bars are counted from
  Form form;                             // what comes back in it
  double theme = 0.0;                    // how much what comes back is like it was, 0..1
  std::optional<std::int64_t> end_step;  // where the music is to end
  double temperature = 0.8;              // of the sampler
  float chord_strength = 1.0f;           // 0 without chords, 1 with, beyond 1 guided further
};

}  // namespace sideman
