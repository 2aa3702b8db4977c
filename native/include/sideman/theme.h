#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "sideman/history.h"
#include "sideman/layout.h"
#include "sideman/sampler.h"

namespace sideman {

/// How far the draw is pulled to what comes back; engine/inference/draw/theme.py sets the values.
struct ThemeRules {
  std::int64_t reach = 0;        // strikes and ends that are remembered; 0: none
  double near_beats = 0.0;       // a time through that struck nothing so near was not there
  std::int64_t early_steps = 0;  // so much before its moment a strike is due
  std::int64_t late_steps = 0;   // and so much after it is still due, or was played
  double strike = 0.0;           // of a strike that is due
  double other = 0.0;            // against other strikes
  double end = 0.0;              // of an end that is due
  double wait = 0.0;             // of the wait that leads to what comes next
  double miss = 0.0;             // against waits that lead past what is due or comes next
  double temperature = 0.8;      // of the sampler, at which moves of pitch are as said
};

/// Beats of a form that are again what began at source_beat, so many semitones higher.
struct Return {
  double begin_beat;
  double end_beat;
  double source_beat;
  int semitones;
};

/// Where a moment lies in a form.
struct Place {
  double beat;         // counted on from round to round
  double source_beat;  // where its music was first
  double left_beats;   // so far that holds
  int semitones;       // how much higher than there
};

/// The returns of one round, rising and apart. engine/chords/charts/form.py is the specification.
struct Form {
  std::vector<Return> returns;
  double round_beats = 0.0;  // 0: no round follows
  std::optional<std::pair<double, double>> loop;  // beats that a host goes round, while beats count on

  /// Returns the place of a beat, 0 or later. Realtime-safe: yes.
  Place at(double beat) const noexcept;
};

/// What was played, by its place in the form. engine/inference/draw/theme.py is the specification.
///
/// Design: a history longer by the rollback than what is looked at, so that taking back reveals nothing that was not
/// there before. All memory is taken at construction. Thread: one at a time, all methods.
class ThemeMemory {
 public:
  /// A strike or an end.
  struct Played {
    double beat;
    double source_beat;
    std::int32_t turn;  // which time through; -1: nothing is to be remembered
    std::int16_t pitch;  // as it was where its music was first
    bool is_strike;
    bool fits;  // its chord
  };

  ThemeMemory(const ThemeRules& rules, std::size_t rollback);

  /// Takes over what another one remembers. Realtime-safe: yes.
  void copy(const ThemeMemory& other) noexcept { played_.copy(other.played_); }

  /// Takes a strike or an end. Without a place nothing before is remembered any more. Realtime-safe: yes.
  void add(const std::optional<Place>& place, int pitch, bool is_strike, bool fits) noexcept;

  /// Forgets the last one. Realtime-safe: yes.
  void take_back() noexcept;

  /// Returns the first time through, before this one, that struck anything near a place; -1: none. Realtime-safe: yes.
  int first_turn(const Place& place) const noexcept;

  /// Calls visit(played) for what was played in one time through, the last first.
  template <typename Visit>
  void visit(int turn, Visit visit) const noexcept {
    for (std::size_t age = 0; age < seen(); ++age) {
      const Played& played = played_[age];
      if (played.turn < turn) return;  // they never fall
      if (played.turn == turn) visit(played);
    }
  }

 private:
  std::size_t seen() const noexcept;
  int turn_at(const Place& place) const noexcept;

  std::size_t reach_;
  double near_beats_;
  History<Played> played_;
};

/// What the theme asks for at a step.
struct Recalled {
  PitchSet strikes;
  PitchSet ends;
  std::int64_t next_steps = 0;  // to the next strike or end; 0: none is near
};

/// Moves (num_ids) logits to what is recalled. engine/inference/draw/theme.py is the specification.
/// Thread-safe: yes. Realtime-safe: yes.
void pull(const ThemeRules& rules, const Recalled& recalled, double strength, double temperature, const Layout& layout,
          float* logits) noexcept;

}  // namespace sideman
