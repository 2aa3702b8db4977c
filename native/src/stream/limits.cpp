#include "limits.h"

#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <string>

namespace sideman {
namespace {

constexpr std::int64_t kFarthestStep = 100'000'000'000;  // from 0, either way: thirty years
constexpr double kFarthestSeconds = 1e9;
constexpr double kSlowestBpm = 1e-5, kFastestBpm = 9990.0;
constexpr std::int64_t kMostBeatsABar = 1 << 20;
constexpr double kStrongest = 1e3;  // of the chords: logits times it are numbers still
constexpr double kMostAsked = 1e6;  // of any quantity
constexpr double kMostBeats = 1e12, kShortestBeats = 1e-9;  // as in engine/chords/charts/form.py
constexpr int kMostSemitones = 127;

// NaN lies within nothing.
bool within(double value, double low, double high) noexcept { return value >= low && value <= high; }
bool is_place(double beat) noexcept { return within(beat, -kMostBeats, kMostBeats); }

/// std::to_string would write all three hundred digits of 1e300.
std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

void require(bool holds, const std::string& text) {
  if (!holds) throw std::invalid_argument(text);
}

}  // namespace

bool is_step(std::int64_t step) noexcept { return step >= -kFarthestStep && step <= kFarthestStep; }

void check_step(std::int64_t step) {
  if (is_step(step)) return;
  const std::string most = std::to_string(kFarthestStep);
  throw std::invalid_argument("step " + std::to_string(step) + " lies outside -" + most + ".." + most);
}

void check_second(const char* what, double second) {
  if (within(second, -kFarthestSeconds, kFarthestSeconds)) return;
  const std::string most = shown(kFarthestSeconds);
  throw std::invalid_argument(std::string(what) + " at " + shown(second) + " s lies outside -" + most + ".." + most +
                              " s");
}

void check_beat(const Beat& beat) {
  if (!within(beat.bpm, kSlowestBpm, kFastestBpm) || beat.beats_per_bar < 1 || beat.beats_per_bar > kMostBeatsABar)
    throw std::invalid_argument("tempo " + shown(beat.bpm) + " bpm in bars of " + std::to_string(beat.beats_per_bar) +
                                ": no music goes like that");
  check_second("a bar line", beat.origin_s);
}

void check_chords(const DecoderConfig& config, const std::int64_t* ids, const std::int64_t* steps, std::size_t count) {
  if (count == 0 || steps[0] > 0) throw std::invalid_argument("the chords of a stream start at 0");
  for (std::size_t i = 1; i < count; ++i)
    if (steps[i] < steps[i - 1]) throw std::invalid_argument("the chords' onsets must rise");
  check_step(steps[0]);
  check_step(steps[count - 1]);
  const int last = config.first_chord + config.num_chords - 1;
  for (std::size_t i = 0; i < count; ++i)
    if (ids[i] < config.first_chord || ids[i] > last)
      throw std::invalid_argument("chord " + std::to_string(ids[i]) + " lies outside " +
                                  std::to_string(config.first_chord) + ".." + std::to_string(last));
}

void check_strength(double chord_strength) {
  if (!within(chord_strength, 0.0, kStrongest))
    throw std::invalid_argument("chord strength " + shown(chord_strength) + " lies outside 0.." + shown(kStrongest));
}

void check_theme(double strength) {
  if (!within(strength, 0.0, 1.0)) throw std::invalid_argument("theme " + shown(strength) + " lies outside 0..1");
}

void check_targets(const Targets& targets) {
  for (const double target : targets)
    if (!std::isnan(target) && !within(target, 0.0, kMostAsked))
      throw std::invalid_argument("a target of " + shown(target) + ": give 0 to " + shown(kMostAsked) +
                                  ", NaN where none is asked");
}

void check_form(const Form& form) {
  for (const Return& one : form.returns)
    if (!is_place(one.begin_beat) || !is_place(one.end_beat) || !is_place(one.source_beat) ||
        one.semitones < -kMostSemitones || one.semitones > kMostSemitones)
      throw std::invalid_argument("what comes back at beat " + shown(one.begin_beat) + " lies beyond " +
                                  shown(kMostBeats) + " beats or " + std::to_string(kMostSemitones) + " semitones");
  if (form.round_beats != 0.0 && !within(form.round_beats, kShortestBeats, kMostBeats))
    throw std::invalid_argument("a round of " + shown(form.round_beats) + " beats: give " + shown(kShortestBeats) +
                                " to " + shown(kMostBeats) + ", or 0");
  if (!form.loop) return;
  const auto [start, end] = *form.loop;
  if (!is_place(start) || !is_place(end) || !(end - start >= kShortestBeats))
    throw std::invalid_argument("a loop from " + shown(start) + " to " + shown(end) +
                                ": a loop ends after it begins");
}

void check_rules(const DecoderConfig& c, const StreamRules& rules) {
  const auto number = [](auto value) { return std::to_string(value); };
  require(rules.beat_bins >= 1 && rules.beat_bins < c.beat_bins && rules.bar_bins >= 1 && rules.bar_bins < c.bar_bins,
          "the stream's rules have " + number(rules.beat_bins) + " bins of the beat and " + number(rules.bar_bins) +
              " of the bar, the network " + number(c.beat_bins - 1) + " and " + number(c.bar_bins - 1));
  require(rules.no_chord >= c.first_chord && rules.no_chord < c.first_chord + c.num_chords,
          "the stream's rules call chord " + number(rules.no_chord) + " none, which the network does not know");
  require(rules.chord_clip >= 0 && rules.chord_clip <= (c.chord_rows - 1) / 2,
          "the stream's rules have chords clipped at " + number(rules.chord_clip) + ", but the network has " +
              number(c.chord_rows) + " rows");
  const std::int64_t seen = std::int64_t{1} + rules.chords_back + rules.chords_ahead;
  require(rules.chords_back >= 0 && rules.chords_ahead >= 0 && seen <= c.chords_in_view,
          "the stream's rules have " + number(seen) + " chords in view, the network " + number(c.chords_in_view));
  require(rules.controls == static_cast<int>(c.controls.size()),
          "the stream's rules have " + number(rules.controls) + " controls: give " + number(c.controls.size()));
  const auto fits = [&](int control, std::size_t levels) {
    return control < 0 || (control < rules.controls &&
                           levels <= static_cast<std::size_t>(c.controls[static_cast<std::size_t>(control)].levels));
  };
  require(rules.phrase_bars >= 1 && fits(rules.phrase_control, static_cast<std::size_t>(rules.phrase_bars)),
          "the stream's rules count phrases of " + number(rules.phrase_bars) +
              " bars, for which no control has the levels");
  require(fits(rules.ending_control, rules.ending_edges_s.size() + 1),
          "the stream's rules cut the time that is left at " + number(rules.ending_edges_s.size()) +
              " edges, for which no control has the levels");
  check_second("the phrase's grace", rules.phrase_grace_s);
}

}  // namespace sideman
