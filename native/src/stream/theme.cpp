#include "sideman/theme.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sideman {
namespace {

constexpr double kNewPlaceBeats = 0.5;  // a move of the form by more is another time through
constexpr double kBackBeats = 1.0;      // and so is a step back by more

}  // namespace

Place Form::at(double beat) const noexcept {
  double within = beat;
  double end = std::numeric_limits<double>::infinity();
  if (loop && beat >= loop->second) {
    const auto [start, stop] = *loop;
    within = start + (beat - stop) - std::floor((beat - stop) / (stop - start)) * (stop - start);
  }
  if (round_beats > 0.0) {
    within -= std::floor(within / round_beats) * round_beats;
    end = round_beats;
  }
  for (const Return& one : returns) {
    if (within < one.begin_beat) {
      end = one.begin_beat;
      break;
    }
    if (within < one.end_beat)
      return {beat, within - one.begin_beat + one.source_beat, one.end_beat - within, one.semitones};
  }
  return {beat, within, end - within, 0};
}

ThemeMemory::ThemeMemory(const ThemeRules& rules, std::size_t rollback)
    : reach_(static_cast<std::size_t>(rules.reach)),
      near_beats_(rules.near_beats),
      played_(reach_ + rollback + 1) {}

void ThemeMemory::add(const std::optional<Place>& place, int pitch, bool is_strike, bool fits) noexcept {
  Played played{0.0, 0.0, -1, 0, is_strike, fits};
  if (place)
    played = {place->beat, place->source_beat, turn_at(*place), static_cast<std::int16_t>(pitch - place->semitones),
              is_strike,   fits};
  played_.add(played);
}

void ThemeMemory::take_back() noexcept {
  if (!played_.empty()) played_.take_back();
}

int ThemeMemory::first_turn(const Place& place) const noexcept {
  const int now = turn_at(place);
  const double low = place.source_beat - near_beats_;
  const double high = place.source_beat + std::min(near_beats_, place.left_beats);
  int found = -1;
  for (std::size_t age = 0; age < seen(); ++age) {
    const Played& played = played_[age];
    if (played.turn < 0) break;
    if (played.is_strike && played.turn != now && low <= played.source_beat && played.source_beat <= high)
      found = played.turn;
  }
  return found;
}

std::size_t ThemeMemory::seen() const noexcept { return std::min(played_.size(), reach_); }

int ThemeMemory::turn_at(const Place& place) const noexcept {
  if (played_.empty() || played_[0].turn < 0) return 0;
  const Played& last = played_[0];
  const double moved = (place.beat - place.source_beat) - (last.beat - last.source_beat);
  return last.turn + (std::abs(moved) > kNewPlaceBeats || place.beat < last.beat - kBackBeats ? 1 : 0);
}

void pull(const ThemeRules& rules, const Recalled& recalled, double strength, double temperature, const Layout& layout,
          float* logits) noexcept {
  const double heat = temperature / rules.temperature;
  float* const strikes = logits + layout.note_on;
  float* const waits = logits + layout.time_shift;
  float* const velocities = logits + layout.velocity;
  const auto more = static_cast<float>(strength * rules.strike);
  const auto fewer = static_cast<float>(strength * rules.other);
  const auto missed = static_cast<float>(strength * rules.miss);
  const auto rarer = static_cast<float>(heat * static_cast<double>(fewer));
  if (!recalled.strikes.empty()) {
    for (int i = 0; i < layout.num_velocities; ++i) velocities[i] += more;  // one leads to a strike
    for (int i = 0; i < layout.num_shifts; ++i) waits[i] -= missed;
    bool lowest = true;  // a chord is struck from below
    for (int pitch = 0; pitch < kPitches; ++pitch) {
      if (!recalled.strikes.has(pitch)) {
        strikes[pitch] -= rarer;
      } else if (lowest) {
        strikes[pitch] += static_cast<float>(heat * static_cast<double>(more));
        lowest = false;
      }
    }
  } else {
    for (int i = 0; i < layout.num_velocities; ++i) velocities[i] -= fewer;
    for (int pitch = 0; pitch < kPitches; ++pitch) strikes[pitch] -= rarer;
    if (recalled.next_steps > 0) {
      const auto likelier = static_cast<float>(strength * rules.wait);
      const auto at = recalled.next_steps - 1;
      const auto end = static_cast<std::int64_t>(layout.num_shifts);
      for (auto i = std::max<std::int64_t>(0, at - rules.early_steps); i < std::min(end, at + rules.early_steps + 1); ++i)
        waits[i] += likelier;
      for (auto i = at + rules.late_steps + 1; i < end; ++i) waits[i] -= missed;
    }
  }
  recalled.ends.for_each([&](int pitch) { logits[layout.note_off + pitch] += static_cast<float>(strength * rules.end); });
}

}  // namespace sideman
