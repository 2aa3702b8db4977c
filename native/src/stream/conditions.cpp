#include "sideman/conditions.h"

#include <algorithm>
#include <cmath>

namespace sideman {

std::pair<int, int> Beat::bins(double time_s, int beat_bins, int bar_bins) const noexcept {
  constexpr std::int64_t kUnknownInBar = 255;
  if (bpm <= 0.0) return {beat_bins, bar_bins};
  const double beat = (time_s - origin_s) * bpm / 60.0;
  const double whole = std::floor(beat);
  // Half a bin early, as in engine/beats/phase.py, whose sums these are in their order: a moment belongs to the nearest bin.
  const double position = (beat - whole) + 1.0 + 0.5 / beat_bins;
  const double index = std::floor(position);
  const int beat_bin = static_cast<int>(std::min((position - index) * beat_bins, static_cast<double>(beat_bins - 1)));
  const std::int64_t number = static_cast<std::int64_t>(whole) - 1 + static_cast<std::int64_t>(index);
  const std::int64_t place = (number % beats_per_bar + beats_per_bar) % beats_per_bar;
  if (place == kUnknownInBar) return {beat_bin, bar_bins};
  return {beat_bin, static_cast<int>(std::min<std::int64_t>(place, bar_bins - 1))};
}

ChordTrack::ChordTrack(int no_chord, int back, int ahead, int clip)
    : back_(back), ahead_(ahead), clip_(clip) {
  ids_.reserve(1024);
  steps_.reserve(1024);
  ids_.push_back(no_chord);
  steps_.push_back(0);
}

void ChordTrack::replace(const std::int64_t* ids, const std::int64_t* steps, std::size_t count) {
  ids_.assign(ids, ids + count);
  steps_.assign(steps, steps + count);
}

void ChordTrack::shift(std::int64_t steps) noexcept {
  for (std::int64_t& step : steps_) step += steps;
  steps_[0] = std::min<std::int64_t>(steps_[0], 0);
}

std::ptrdiff_t ChordTrack::index_at(std::int64_t step) const noexcept {
  // Before the first chord, as far as a stream may be shifted back, that one is in force.
  return std::max<std::ptrdiff_t>(0, std::upper_bound(steps_.begin(), steps_.end(), step) - steps_.begin() - 1);
}

ChordTrack::Change ChordTrack::at(std::int64_t step) const noexcept {
  const auto now = static_cast<std::size_t>(index_at(step));
  return {ids_[now], steps_[now]};
}

ChordTrack::View ChordTrack::view(std::int64_t step, std::int64_t* rows) const noexcept {
  const auto now = index_at(step);
  const auto first = std::max<std::ptrdiff_t>(0, now - back_);
  const auto last = std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(ids_.size()), now + ahead_ + 1);
  for (auto i = first; i < last; ++i)
    rows[i - first] = std::clamp<std::ptrdiff_t>(i - now, -clip_, clip_) + clip_;
  return {ids_.data() + first, rows, static_cast<int>(last - first)};
}

Conditions::Conditions(const StreamRules& rules)
    : chords(rules.no_chord, rules.chords_back, rules.chords_ahead, rules.chord_clip),
      levels(static_cast<std::size_t>(rules.controls), -1.0f) {
  form.returns.reserve(1024);
}

void Conditions::levels_at(std::int64_t step, double step_s, const StreamRules& rules,
                           float* levels_out) const noexcept {
  std::copy(levels.begin(), levels.end(), levels_out);
  if (form_s && rules.phrase_control >= 0) {
    float& phrase = levels_out[rules.phrase_control];
    phrase = -1.0f;
    if (beat.bpm > 0.0) {
      const double since_s = static_cast<double>(step) * step_s + rules.phrase_grace_s - *form_s;
      const double bars = std::floor(since_s * beat.bpm / 60 / static_cast<double>(beat.beats_per_bar));
      if (bars >= 0.0) phrase = static_cast<float>(std::fmod(bars, rules.phrase_bars));
    }
  }
  if (end_step && rules.ending_control >= 0) {
    const double left_s = static_cast<double>(std::max<std::int64_t>(0, *end_step - step)) * step_s;
    const auto& edges = rules.ending_edges_s;
    levels_out[rules.ending_control] =
        static_cast<float>(std::upper_bound(edges.begin(), edges.end(), left_s) - edges.begin());
  }
}

std::optional<Place> Conditions::remembered_place(std::int64_t step, double step_s,
                                                  const StreamRules& rules) const noexcept {
  if (theme <= 0.0 || !form_s || beat.bpm <= 0.0) return std::nullopt;
  const double at = (static_cast<double>(step) * step_s + rules.phrase_grace_s - *form_s) * beat.bpm / 60;
  if (at < 0.0) return std::nullopt;
  return form.at(at);
}

void Conditions::shift(std::int64_t steps, double step_s) noexcept {
  chords.shift(steps);
  const double later_s = static_cast<double>(steps) * step_s;
  beat.origin_s += later_s;
  if (form_s) *form_s += later_s;
  if (end_step) *end_step += steps;
}

}  // namespace sideman
