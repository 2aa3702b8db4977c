#include "sideman/stream.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "limits.h"

namespace sideman {

Stream::Stream(Decoder& decoder, const Layout& layout, const StreamRules& rules, std::uint64_t seed, int rollback)
    : decoder_(decoder),
      layout_(layout),
      rules_(rules),
      sampler_(layout, seed, static_cast<std::size_t>(std::max(rollback, 0))),
      asked_(rules),
      memory_(rules.theme, static_cast<std::size_t>(std::max(rollback, 0))),
      past_(2 * static_cast<std::size_t>(std::max(rollback, 0)) + 64) {
  if (decoder.event_ids() != layout.num_ids)
    throw std::invalid_argument("the decoder knows " + std::to_string(decoder.event_ids()) + " ids, the layout " +
                                std::to_string(layout.num_ids));
  if (rollback < 0) throw std::invalid_argument("rollback " + std::to_string(rollback) + " is negative");
  // Else refresh() could not take the last token back, and it would go through the network twice.
  if (decoder.longest_rollback() <= rollback)
    throw std::invalid_argument("a stream that takes back " + std::to_string(rollback) +
                                " tokens: its decoder must reach back one more, and keeps " +
                                std::to_string(decoder.longest_rollback()));
  check_rules(decoder.config(), rules);
  const auto ids = static_cast<std::size_t>(layout.num_ids);
  logits_.resize(2 * ids);
  scores_.resize(ids);
  allowed_ = std::make_unique<bool[]>(ids);
  onsets_.fill(0);
  const auto controls = static_cast<std::size_t>(rules.controls);
  for (Moment& moment : moments_) {
    moment.chord_rows.resize(static_cast<std::size_t>(rules.chords_back + 1 + rules.chords_ahead));
    moment.levels.assign(controls, -1.0f);
  }
  read_.resize(moments_.size() * logits_.size());
}

void Stream::refresh() noexcept {
  drawn_.reset();
  if (!past_.empty() && has_logits_) {
    decoder_.rollback(1);
    has_logits_ = false;
  }
}

void Stream::mark(std::int64_t step, int token) {
  if (token < 0 || token >= layout_.num_ids || layout_.token(token).kind != TokenKind::kSilent)
    throw std::invalid_argument("token " + std::to_string(token) + " is no mark: give an id that is no event");
  check_step(step);
  drawn_.reset();
  move_to(step);
  advance(token);
  until_ = std::max(until_, step_);
}

std::size_t Stream::generate(std::int64_t until, StreamEvent* events, std::size_t capacity, bool to_strike) {
  check_step(until);
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
    if (parts.kind == TokenKind::kNoteOn) events[count++] = {step_, parts.value, past_[0].velocity};
    if (parts.kind == TokenKind::kNoteOff) events[count++] = {step_, parts.value, -1};
    if (to_strike && parts.kind == TokenKind::kNoteOn) {
      until_ = std::max(until_, step_);
      return count;
    }
  }
  return count;
}

bool Stream::rollback(std::int64_t to) noexcept {
  if (!is_step(to)) return false;
  std::size_t count = 0;
  while (count < past_.size() && past_[count].step > to) ++count;
  const bool forwards = count == 0;
  // What led up to a token that is no more: its velocity, or a wait that ended in it.
  const auto own = static_cast<std::size_t>(length() - forked_);
  while (count < std::min(past_.size(), own) && is_dangling(past_[count].token)) ++count;
  if (count > 0) {
    const Entry undone = past_[count - 1];
    if (take_back(count)) {
      // What had been drawn at this point stays drawn: without a change the music will go on as it did.
      drawn_.reset();
      if (undone.improvised && undone.step > to) drawn_ = undone.token;
    } else if (!forwards) {
      return false;
    }
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
    if (past_.empty()) advance(layout_.bos);
    step_decoder();
    has_logits_ = true;
  }
  return logits_.data();
}

/// Takes a token into the stream, where its logits are known or wanted.
void Stream::advance(int token, bool improvised) {
  if (past_.empty() && token != layout_.bos) advance(layout_.bos);
  double log_probability = 0.0;
  if (!past_.empty()) {
    if (!has_logits_) step_decoder();
    const bool free = layout_.token(token).kind == TokenKind::kSilent;
    log_probability = past_[0].log_probability + (free ? 0.0 : log_probability_of(token));
  }
  take(token, improvised, log_probability);
}

/// The natural log of what logits_ give a token.
double Stream::log_probability_of(int token) noexcept {
  mix_streams();
  const double top = *std::max_element(scores_.begin(), scores_.end());
  double sum = 0.0;
  for (const float score : scores_) sum += std::exp(score - top);
  return scores_[static_cast<std::size_t>(token)] - top - std::log(sum);
}

/// What a token changes but for the network.
void Stream::take(int token, bool improvised, double log_probability) {
  Entry entry{0, 0, token, past_.empty() ? std::int16_t{-1} : past_[0].velocity, improvised, log_probability};
  const Token parts = layout_.token(token);
  if (parts.kind == TokenKind::kTimeShift) step_ += parts.value;
  if (parts.kind == TokenKind::kVelocity) entry.velocity = static_cast<std::int16_t>(parts.value);
  if (parts.kind == TokenKind::kNoteOn) onsets_[static_cast<std::size_t>(parts.value)] = step_;
  if (parts.kind == TokenKind::kNoteOff) entry.onset_step = onsets_[static_cast<std::size_t>(parts.value)];
  if (parts.kind == TokenKind::kNoteOn || parts.kind == TokenKind::kNoteOff)
    remember(parts.value, parts.kind == TokenKind::kNoteOn);
  entry.step = step_;
  past_.add(entry);
  sampler_.advance(token);
  has_logits_ = false;
}

/// Feeds the waits that lead to a step.
void Stream::move_to(std::int64_t step) {
  while (step_ < step) advance(wait_towards(step));
}

int Stream::wait_towards(std::int64_t step) const noexcept {
  return layout_.time_shift + static_cast<int>(std::min<std::int64_t>(step - step_, layout_.num_shifts)) - 1;
}

/// Undoes the last `count` > 0 tokens; false, changing nothing, beyond what is kept.
bool Stream::take_back(std::size_t count) noexcept {
  const auto fed = static_cast<std::int64_t>(count) - (has_logits_ ? 0 : 1);
  // The token that is then the last is fed again when its logits are wanted.
  const std::int64_t undone = fed + (count < past_.size() ? 1 : 0);
  if (count > sampler_.reachable() || !decoder_.rollback(undone)) return false;
  sampler_.rollback(count);
  for (std::size_t n = 0; n < count; ++n) {
    const Entry& entry = past_[0];
    const Token parts = layout_.token(entry.token);
    if (parts.kind == TokenKind::kNoteOff) onsets_[static_cast<std::size_t>(parts.value)] = entry.onset_step;
    if (parts.kind == TokenKind::kNoteOn || parts.kind == TokenKind::kNoteOff) memory_.take_back();
    past_.take_back();
  }
  step_ = past_.empty() ? 0 : past_[0].step;
  forked_ = std::min(forked_, length());
  has_logits_ = false;
  return true;
}

bool Stream::is_dangling(int token) const noexcept {
  const Token parts = layout_.token(token);
  return parts.kind == TokenKind::kVelocity ||
         (parts.kind == TokenKind::kTimeShift && parts.value < layout_.num_shifts);
}

}  // namespace sideman
