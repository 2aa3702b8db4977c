// The next token of a stream, drawn under all that moves its logits. engine/inference/draw/chain.py is the specification.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <stdexcept>

#include "sideman/leaning.h"
#include "sideman/release.h"
#include "sideman/stream.h"
#include "sideman/theme.h"

namespace sideman {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
constexpr std::int64_t kLongAgo = std::numeric_limits<std::int64_t>::min() / 2;

}  // namespace

/// The drawn token, or a new one that leaves the time up to until() as silent as it was.
int Stream::next_token() {
  if (drawn_) return *drawn_;
  int oldest = -1;
  for (int pitch = 0; pitch < kPitches; ++pitch)
    if (sounding().has(pitch) &&
        (oldest < 0 || onsets_[static_cast<std::size_t>(pitch)] < onsets_[static_cast<std::size_t>(oldest)]))
      oldest = pitch;
  if (oldest >= 0 && step_ - onsets_[static_cast<std::size_t>(oldest)] >= rules_.max_note_steps) {
    drawn_ = layout_.note_off + oldest;
  } else {
    draw();
  }
  return *drawn_;
}

void Stream::draw() {
  if (until_ > step_) {
    sampler_.allowed(allowed_.get());
    // A knob has opened what was shut when the last wait was drawn.
    if (!allowed_[static_cast<std::size_t>(layout_.time_shift)]) move_to(until_);
  }
  logits();
  mix_streams();
  if (asked_.leans) lean(rules_.leaning, asked_.beat, layout_, step_, scores_.data());
  const ChordTrack::Change chord = asked_.chords.at(step_);
  let_go(rules_.tones_of(chord.id), chord.step, rules_.release * asked_.chord_strength, sounding(), onsets_, layout_,
         scores_.data());
  if (asked_.steers) steer(rules_.steering, listen(), asked_.targets, layout_, asked_.temperature, scores_.data());
  follow_theme();
  forbid_stutter();
  if (until_ > step_) forbid_all_but_waits(until_ - step_);
  drawn_ = sampler_.sample(scores_.data());
  if (!drawn_)
    throw std::invalid_argument("logits of the legal tokens hold NaN, +inf or nothing but -inf: check the decoder");
}

/// logits_ -> scores_, with the chords heeded as strongly as asked.
void Stream::mix_streams() noexcept {
  const float* with_chords = logits_.data();
  const float* without = with_chords + layout_.num_ids;
  const float strength = asked_.chord_strength;
  for (std::size_t i = 0; i < scores_.size(); ++i)
    scores_[i] = strength == 1.0f ? with_chords[i] : without[i] + strength * (with_chords[i] - without[i]);
}

/// What the window before step_ held.
Heard Stream::listen() const noexcept {
  const std::int64_t first = step_ - rules_.steering.window_steps;
  const auto middle = [&](int bin) { return bin < 0 ? -1 : bin * layout_.velocity_width() + layout_.velocity_width() / 2; };
  Heard heard;
  heard.steps = std::min(step_, rules_.steering.window_steps);
  if (!past_.empty()) heard.velocity = middle(past_[0].velocity);
  std::int64_t now = step_;
  std::int64_t sounds = 0;
  for (int pitch = 0; pitch < kPitches; ++pitch) sounds += sounding().has(pitch) ? 1 : 0;
  for (std::size_t age = 0; age < past_.size(); ++age) {
    const Entry& entry = past_[age];
    heard.sounding_steps += sounds * (now - std::max(entry.step, first));
    now = entry.step;
    if (entry.step <= first) break;
    const Token parts = layout_.token(entry.token);
    if (parts.kind == TokenKind::kNoteOn) {
      --sounds;
      ++heard.strikes;
      heard.velocities += middle(entry.velocity);
      heard.pitches += parts.value;
      heard.bass += parts.value < rules_.steering.bass_below ? 1 : 0;
      heard.struck_now |= entry.step == step_;
    } else if (parts.kind == TokenKind::kNoteOff) {
      ++sounds;
    }
  }
  return heard;
}

/// Whether a pitch belongs to the chord in force.
bool Stream::fits(int pitch, std::int64_t step) const noexcept {
  return (rules_.tones_of(asked_.chords.at(step).id) >> pitch % 12 & 1) != 0;
}

void Stream::remember(int pitch, bool is_strike) noexcept {
  memory_.add(asked_.remembered_place(step_, layout_.step_ms / 1000.0, rules_), pitch, is_strike, fits(pitch, step_));
}

/// Moves scores_ to what was played when this place of the form came first.
void Stream::follow_theme() noexcept {
  const double step_s = layout_.step_ms / 1000.0;
  const std::optional<Place> place = asked_.remembered_place(step_, step_s, rules_);
  if (!place) return;
  const int turn = memory_.first_turn(*place);
  if (turn < 0) return;
  const ThemeRules& theme = rules_.theme;
  std::array<std::int64_t, kPitches> struck;  // last, where that was just now
  struck.fill(kLongAgo);
  const std::int64_t since = step_ - std::max(2 * theme.late_steps + 1, rules_.restrike_steps);
  for (std::size_t age = 0; age < past_.size() && past_[age].step > since; ++age)
    if (const Token parts = layout_.token(past_[age].token); parts.kind == TokenKind::kNoteOn)
      if (std::int64_t& at = struck[static_cast<std::size_t>(parts.value)]; at == kLongAgo) at = past_[age].step;
  sampler_.allowed(allowed_.get());
  Recalled recalled;
  memory_.visit(turn, [&](const ThemeMemory::Played& played) {
    const double ahead_beats = played.source_beat - place->source_beat;
    const double ahead_steps = std::floor(ahead_beats * 60 / asked_.beat.bpm / step_s + 0.5);
    const int pitch = played.pitch + place->semitones;
    // A strike that was missed is over; an end is not, as long as its note sounds.
    const std::int64_t latest = played.is_strike ? theme.late_steps : layout_.num_shifts;
    // Compared as it is: in a slow beat it may be farther ahead than an integer reaches.
    if (ahead_steps < -static_cast<double>(latest) || ahead_steps > layout_.num_shifts ||
        ahead_beats >= place->left_beats || pitch < 0 || pitch >= kPitches)
      return;
    const auto ahead = static_cast<std::int64_t>(ahead_steps);
    const std::int64_t due = step_ + ahead;
    const bool sounds = sounding().has(pitch);
    if (!played.is_strike) {
      if (!sounds || onsets_[static_cast<std::size_t>(pitch)] >= due) return;
      if (ahead <= theme.early_steps) {
        recalled.ends.add(pitch);
        return;
      }
    } else {
      if (played.fits && !fits(pitch, due)) return;
      const std::int64_t last = struck[static_cast<std::size_t>(pitch)];
      if (std::abs(last - due) <= theme.late_steps) return;
      if (ahead <= theme.early_steps) {
        if (sounds)  // it cannot be struck before it ends
          recalled.ends.add(pitch);
        else if (allowed_[static_cast<std::size_t>(layout_.note_on + pitch)] && step_ - last >= rules_.restrike_steps)
          recalled.strikes.add(pitch);
        return;
      }
    }
    if (recalled.next_steps == 0 || ahead < recalled.next_steps) recalled.next_steps = ahead;
  });
  pull(theme, recalled, asked_.theme, asked_.temperature, layout_, scores_.data());
}

/// Keys struck less than restrike_steps ago, unless no other key could be struck.
void Stream::forbid_stutter() noexcept {
  PitchSet recent;
  for (std::size_t age = 0; age < past_.size() && past_[age].step > step_ - rules_.restrike_steps; ++age)
    if (const int pitch = past_[age].token - layout_.note_on; pitch >= 0 && pitch < kPitches) recent.add(pitch);
  if (recent.empty()) return;
  sampler_.allowed(allowed_.get());
  bool another = false;
  for (int pitch = 0; pitch < kPitches; ++pitch)
    another |= allowed_[static_cast<std::size_t>(layout_.note_on + pitch)] && !recent.has(pitch);
  if (!another) return;
  for (int pitch = 0; pitch < kPitches; ++pitch)
    if (recent.has(pitch)) scores_[static_cast<std::size_t>(layout_.note_on + pitch)] = kNever;
}

void Stream::forbid_all_but_waits(std::int64_t silent) noexcept {
  // An event at until() itself is still to come. Beyond the longest wait, waiting in full is all that is left.
  const std::int64_t shortest = layout_.time_shift + std::min<std::int64_t>(silent, layout_.num_shifts) - 1;
  std::fill(scores_.begin(), scores_.begin() + shortest, kNever);
  std::fill(scores_.begin() + layout_.time_shift + layout_.num_shifts, scores_.end(), kNever);
}

}  // namespace sideman
