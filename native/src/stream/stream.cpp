#include "sideman/stream.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <tuple>

#include "sideman/leaning.h"
#include "sideman/release.h"

namespace sideman {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

}  // namespace

Stream::Stream(Decoder& decoder, const Layout& layout, const StreamRules& rules, std::uint64_t seed, int rollback)
    : Stream(decoder, layout, rules, seed, rollback, 2) {}

Stream::Stream(Decoder& decoder, const Layout& layout, const StreamRules& rules, std::uint64_t seed, int rollback,
               int fewest_streams)
    : decoder_(decoder),
      layout_(layout),
      rules_(rules),
      sampler_(layout, seed, static_cast<std::size_t>(std::max(rollback, 0))),
      chords_(rules.no_chord, rules.chords_back, rules.chords_ahead, rules.chord_clip),
      ring_(2 * static_cast<std::size_t>(std::max(rollback, 0)) + 64) {
  if (decoder.streams() < fewest_streams)
    throw std::invalid_argument("the decoder computes one stream: a session guides two");
  if (decoder.event_ids() != layout.num_ids)
    throw std::invalid_argument("the decoder knows " + std::to_string(decoder.event_ids()) + " ids, the layout " +
                                std::to_string(layout.num_ids));
  if (rollback < 0) throw std::invalid_argument("rollback " + std::to_string(rollback) + " is negative");
  const auto ids = static_cast<std::size_t>(layout.num_ids);
  logits_.resize(2 * ids);
  scores_.resize(ids);
  allowed_ = std::make_unique<bool[]>(ids);
  onsets_.fill(0);
  const auto controls = static_cast<std::size_t>(rules.controls);
  asked_.assign(controls, -1.0f);
  levels_.assign(controls, -1.0f);
  decoder.check_levels(asked_.data(), controls);
  if (rules.phrase_control >= rules.controls || rules.ending_control >= rules.controls || rules.phrase_bars < 1)
    throw std::invalid_argument("the stream's rules name a control that the decoder does not have");
}

void Stream::set_params(const SamplerParams& params, float chord_strength) noexcept {
  sampler_.set_params(params);
  chord_strength_ = chord_strength;
  drawn_.reset();
}

void Stream::set_chords(const std::int64_t* ids, const std::int64_t* steps, std::size_t count, std::int64_t from_step) {
  chords_.replace(ids, steps, count);
  refresh();
  if (from_step == until_ && until_ > step_) move_to(until_);
}

void Stream::set_leaning(bool leans) noexcept {
  leans_ = leans;
  drawn_.reset();
}

void Stream::set_beat(const Beat& beat) noexcept {
  beat_ = beat;
  refresh();
}

void Stream::set_levels(const float* levels, std::size_t count) {
  decoder_.check_levels(levels, count);
  asked_.assign(levels, levels + count);
  refresh();
}

void Stream::set_targets(const Targets& targets) {
  for (const double target : targets)
    if (std::isinf(target) || target < 0.0)
      throw std::invalid_argument("a target of " + std::to_string(target) + ": give 0 or more, NaN where none is asked");
  targets_ = targets;
  steers_ = rules_.steering.window_steps > 0 &&
            std::any_of(targets.begin(), targets.end(), [](double target) { return !std::isnan(target); });
  drawn_.reset();
}

void Stream::set_phrase(std::optional<double> origin_s) noexcept {
  form_s_ = origin_s;
  refresh();
}

void Stream::set_ending(std::optional<std::int64_t> step) noexcept {
  end_step_ = step;
  refresh();
}

void Stream::refresh() noexcept {
  drawn_.reset();
  if (stored_ > 0 && has_logits_) {
    decoder_.rollback(1);
    has_logits_ = false;
  }
}

void Stream::feed(const StreamEvent* events, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    if (events[i].pitch < 0 || events[i].pitch >= kPitches || events[i].velocity_bin < -1 ||
        events[i].velocity_bin >= layout_.num_velocities)
      throw std::invalid_argument("pitch " + std::to_string(events[i].pitch) + ", velocity bin " +
                                  std::to_string(events[i].velocity_bin) + ": one lies outside 0..127 or 0.." +
                                  std::to_string(layout_.num_velocities - 1));
  drawn_.reset();
  for (std::size_t i = 0; i < count; ++i) {
    const StreamEvent& event = events[i];
    move_to(std::max(step_, event.step));
    if (sounding().has(event.pitch)) advance(layout_.note_off + event.pitch);
    if (event.velocity_bin < 0) continue;
    if (stored_ == 0 || past(0).velocity != event.velocity_bin) advance(layout_.velocity + event.velocity_bin);
    advance(layout_.note_on + event.pitch);
  }
  until_ = std::max(until_, step_);
}

std::size_t Stream::generate(std::int64_t until, StreamEvent* events, std::size_t capacity, bool to_strike) {
  std::size_t count = 0;
  while (count < capacity) {
    const int token = next_token();
    const Token parts = layout_.token(token);
    if (parts.kind == TokenKind::kTimeShift && step_ + parts.value > until) {
      until_ = std::max(until_, until);
      return count;
    }
    drawn_.reset();
    advance(token, true);
    if (parts.kind == TokenKind::kNoteOn) events[count++] = {step_, parts.value, past(0).velocity};
    if (parts.kind == TokenKind::kNoteOff) events[count++] = {step_, parts.value, -1};
    if (to_strike && parts.kind == TokenKind::kNoteOn) {
      until_ = std::max(until_, step_);
      return count;
    }
  }
  return count;
}

bool Stream::rollback(std::int64_t to) noexcept {
  std::size_t count = 0;
  while (count < stored_ && past(count).step > to) ++count;
  // What led up to a token that is no more: its velocity, or a wait that ended in it.
  while (count < stored_ && is_dangling(past(count).token)) ++count;
  if (count > 0) {
    const Entry undone = past(count - 1);
    if (!take_back(count)) return false;
    // What had been drawn at this point stays drawn: without a change the music will go on as it did.
    drawn_.reset();
    if (undone.improvised && undone.step > to) drawn_ = undone.token;
  }
  until_ = std::max(to, step_);
  return true;
}

std::size_t Stream::end(StreamEvent* events) {
  const PitchSet pitches = sounding();
  if (pitches.empty()) return 0;
  drawn_.reset();
  move_to(until_);
  std::size_t count = 0;
  for (int pitch = 0; pitch < kPitches; ++pitch)
    if (pitches.has(pitch)) {
      advance(layout_.note_off + pitch);
      events[count++] = {step_, pitch, -1};
    }
  return count;
}

const float* Stream::logits() {
  if (!has_logits_) {
    if (stored_ == 0) advance(layout_.bos);
    step_decoder();
    has_logits_ = true;
  }
  return logits_.data();
}

/// The token `age` before the last.
const Stream::Entry& Stream::past(std::size_t age) const noexcept {
  return ring_[(newest_ + ring_.size() - age) % ring_.size()];
}

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
  guide();
  if (leans_) lean(rules_.leaning, beat_, layout_, step_, scores_.data());
  let_go(rules_.chord_tones, rules_.no_chord, chords_.at(step_), rules_.release * chord_strength_, sounding(), onsets_,
         layout_, scores_.data());
  if (steers_) steer(rules_.steering, listen(), targets_, layout_, scores_.data());
  forbid_stutter();
  if (until_ > step_) forbid_all_but_waits(until_ - step_);
  drawn_ = sampler_.sample(scores_.data());
  if (!drawn_)
    throw std::invalid_argument("logits of the legal tokens hold NaN, +inf or nothing but -inf: check the decoder");
}

/// logits_ -> scores_, with the chords heeded as strongly as asked.
void Stream::guide() noexcept {
  const float* with_chords = logits_.data();
  const float* without = with_chords + layout_.num_ids;
  for (std::size_t i = 0; i < scores_.size(); ++i)
    scores_[i] =
        chord_strength_ == 1.0f ? with_chords[i] : without[i] + chord_strength_ * (with_chords[i] - without[i]);
}

/// What the window before step_ held.
Heard Stream::listen() const noexcept {
  const std::int64_t first = step_ - rules_.steering.window_steps;
  const auto middle = [&](int bin) { return bin < 0 ? -1 : bin * layout_.velocity_width() + layout_.velocity_width() / 2; };
  Heard heard;
  heard.steps = std::min(step_, rules_.steering.window_steps);
  if (stored_ > 0) heard.velocity = middle(past(0).velocity);
  std::int64_t now = step_;
  std::int64_t sounds = 0;
  for (int pitch = 0; pitch < kPitches; ++pitch) sounds += sounding().has(pitch) ? 1 : 0;
  for (std::size_t age = 0; age < stored_; ++age) {
    const Entry& entry = past(age);
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

/// Keys struck less than restrike_steps ago, unless no other key could be struck.
void Stream::forbid_stutter() noexcept {
  PitchSet recent;
  for (std::size_t age = 0; age < stored_ && past(age).step > step_ - rules_.restrike_steps; ++age)
    if (const int pitch = past(age).token - layout_.note_on; pitch >= 0 && pitch < kPitches) recent.add(pitch);
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

/// Takes a token into the stream.
void Stream::advance(int token, bool improvised) {
  if (stored_ == 0 && token != layout_.bos) advance(layout_.bos);
  if (stored_ > 0 && !has_logits_) step_decoder();
  has_logits_ = false;
  Entry entry{0, 0, token, stored_ > 0 ? past(0).velocity : std::int16_t{-1}, improvised, 0.0};
  if (stored_ > 0) {
    guide();
    const double top = *std::max_element(scores_.begin(), scores_.end());
    double sum = 0.0;
    for (const float score : scores_) sum += std::exp(score - top);
    entry.log_probability = past(0).log_probability + scores_[static_cast<std::size_t>(token)] - top - std::log(sum);
  }
  const Token parts = layout_.token(token);
  if (parts.kind == TokenKind::kTimeShift) step_ += parts.value;
  if (parts.kind == TokenKind::kVelocity) entry.velocity = static_cast<std::int16_t>(parts.value);
  if (parts.kind == TokenKind::kNoteOn) onsets_[static_cast<std::size_t>(parts.value)] = step_;
  if (parts.kind == TokenKind::kNoteOff) entry.onset_step = onsets_[static_cast<std::size_t>(parts.value)];
  entry.step = step_;
  newest_ = (newest_ + 1) % ring_.size();
  ring_[newest_] = entry;
  stored_ = std::min(stored_ + 1, ring_.size());
  sampler_.advance(token);
}

/// The last token through the network, under what is known of its moment now.
void Stream::step_decoder() {
  const Entry& last = past(0);
  const ChordTrack::View view = chords_.view(last.step);
  DecoderInput input;
  input.token = last.token;
  std::tie(input.beat, input.bar) =
      beat_.bins(static_cast<double>(last.step) * (layout_.step_ms / 1000.0), rules_.beat_bins, rules_.bar_bins);
  input.chord_ids = view.ids;
  input.chord_rows = view.rows;
  input.num_chords = view.count;
  input.levels = levels_at(last.step);
  decoder_.feed(&input, 1, logits_.data());
  if (decoder_.streams() == 1) std::copy_n(logits_.begin(), layout_.num_ids, logits_.begin() + layout_.num_ids);
}

/// What is asked at a time: phrase and ending follow it.
const float* Stream::levels_at(std::int64_t step) noexcept {
  if (asked_.empty()) return nullptr;
  std::copy(asked_.begin(), asked_.end(), levels_.begin());
  const double step_s = layout_.step_ms / 1000.0;
  if (form_s_ && rules_.phrase_control >= 0) {
    float& phrase = levels_[static_cast<std::size_t>(rules_.phrase_control)];
    phrase = -1.0f;
    if (beat_.bpm > 0.0) {
      const double since_s = static_cast<double>(step) * step_s + rules_.phrase_grace_s - *form_s_;
      const double bars = std::floor(since_s * beat_.bpm / 60 / static_cast<double>(beat_.beats_per_bar));
      if (bars >= 0.0) phrase = static_cast<float>(std::fmod(bars, rules_.phrase_bars));
    }
  }
  if (end_step_ && rules_.ending_control >= 0) {
    const double left_s = static_cast<double>(std::max<std::int64_t>(0, *end_step_ - step)) * step_s;
    const auto& edges = rules_.ending_edges_s;
    levels_[static_cast<std::size_t>(rules_.ending_control)] =
        static_cast<float>(std::upper_bound(edges.begin(), edges.end(), left_s) - edges.begin());
  }
  return levels_.data();
}

/// Feeds the waits that lead to a step.
void Stream::move_to(std::int64_t step) {
  while (step_ < step)
    advance(layout_.time_shift + static_cast<int>(std::min<std::int64_t>(step - step_, layout_.num_shifts)) - 1);
}

/// Undoes the last `count` > 0 tokens; false, changing nothing, beyond what is kept.
bool Stream::take_back(std::size_t count) noexcept {
  const auto fed = static_cast<std::int64_t>(count) - (has_logits_ ? 0 : 1);
  // The token that is then the last is fed again when its logits are wanted.
  const std::int64_t undone = fed + (count < stored_ ? 1 : 0);
  if (count > sampler_.reachable() || !decoder_.rollback(undone)) return false;
  sampler_.rollback(count);
  for (std::size_t n = 0; n < count; ++n) {
    const Entry& entry = past(0);
    if (const Token parts = layout_.token(entry.token); parts.kind == TokenKind::kNoteOff)
      onsets_[static_cast<std::size_t>(parts.value)] = entry.onset_step;
    newest_ = (newest_ + ring_.size() - 1) % ring_.size();
    --stored_;
  }
  step_ = stored_ > 0 ? past(0).step : 0;
  has_logits_ = false;
  return true;
}

bool Stream::is_dangling(int token) const noexcept {
  const Token parts = layout_.token(token);
  return parts.kind == TokenKind::kVelocity ||
         (parts.kind == TokenKind::kTimeShift && parts.value < layout_.num_shifts);
}

}  // namespace sideman
