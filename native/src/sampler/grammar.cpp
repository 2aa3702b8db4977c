// Which tokens may come next, and what each one changes; rolling it back.
#include "sideman/sampler.h"

#include <algorithm>

namespace sideman {

Sampler::Legal Sampler::legal() const noexcept {
  Legal legal{};
  PitchSet strikable;
  if (num_sounding_ < params_.polyphony) strikable = playable_.without(sounding_);
  if (velocity_given_) legal.note_on = strikable;
  if (last_ != Last::kVelocity) {
    sounding_.for_each([&](int pitch) {
      if (struck_[static_cast<std::size_t>(pitch)] != step_count_) legal.note_off.add(pitch);
    });
    legal.velocity = !strikable.empty();
  }
  const bool nothing = legal.note_on.empty() && legal.note_off.empty() && !legal.velocity;
  legal.time_shift = (last_ != Last::kVelocity && last_ != Last::kShortShift) || nothing;
  return legal;
}

void Sampler::allowed(bool* mask) const noexcept {
  const Legal now = legal();
  std::fill_n(mask, layout_.num_ids, false);
  now.note_on.for_each([&](int pitch) { mask[layout_.note_on + pitch] = true; });
  now.note_off.for_each([&](int pitch) { mask[layout_.note_off + pitch] = true; });
  if (now.velocity) std::fill_n(mask + layout_.velocity, layout_.num_velocities, true);
  if (now.time_shift) std::fill_n(mask + layout_.time_shift, layout_.num_shifts, true);
}

void Sampler::count_recent(int token, int change) noexcept {
  const int pitch = token - layout_.note_on;
  if (pitch < 0 || pitch >= kPitches) return;
  std::uint8_t& strikes = recent_strikes_[static_cast<std::size_t>(pitch)];
  strikes = static_cast<std::uint8_t>(strikes + change);
}

bool Sampler::advance(int token) noexcept {
  if (token < 0 || token >= layout_.num_ids) return false;
  Undo undo{0, static_cast<std::uint16_t>(token), last_, velocity_given_, false};
  const Token parts = layout_.token(token);
  const auto pitch = static_cast<std::size_t>(parts.value);
  last_ = Last::kOther;
  switch (parts.kind) {
    case TokenKind::kNoteOn:
      undo.sounding_before = sounding_.has(parts.value);
      undo.struck_before = struck_[pitch];
      if (!undo.sounding_before) ++num_sounding_;
      sounding_.add(parts.value);
      struck_[pitch] = step_count_;
      last_ = Last::kNoteOn;
      break;
    case TokenKind::kNoteOff:
      undo.sounding_before = sounding_.has(parts.value);
      if (undo.sounding_before) --num_sounding_;
      sounding_.remove(parts.value);
      last_ = Last::kNoteOff;
      break;
    case TokenKind::kTimeShift:
      ++step_count_;
      last_ = parts.value == layout_.num_shifts ? Last::kFullShift : Last::kShortShift;
      break;
    case TokenKind::kVelocity:
      velocity_given_ = true;
      last_ = Last::kVelocity;
      break;
    case TokenKind::kPedalOn:
    case TokenKind::kPedalOff:
    case TokenKind::kSilent:
      break;
  }
  if (history_.size() >= kRepetitionWindow) count_recent(history_[kRepetitionWindow - 1].token, -1);
  count_recent(token, +1);
  history_.add(undo);
  reachable_ = std::min(reachable_ + 1, rollback_);
  ++length_;
  return true;
}

bool Sampler::rollback(std::size_t n_tokens) noexcept {
  if (n_tokens > reachable_) return false;
  for (std::size_t n = 0; n < n_tokens; ++n) {
    const Undo undo = history_[0];
    const Token parts = layout_.token(undo.token);
    if (parts.kind == TokenKind::kTimeShift) --step_count_;
    if (parts.kind == TokenKind::kNoteOn) {
      if (!undo.sounding_before) {
        sounding_.remove(parts.value);
        --num_sounding_;
      }
      struck_[static_cast<std::size_t>(parts.value)] = undo.struck_before;
    }
    if (parts.kind == TokenKind::kNoteOff && undo.sounding_before) {
      sounding_.add(parts.value);
      ++num_sounding_;
    }
    last_ = undo.last_before;
    velocity_given_ = undo.velocity_given_before;
    count_recent(undo.token, -1);
    if (history_.size() > kRepetitionWindow) count_recent(history_[kRepetitionWindow].token, +1);
    history_.take_back();
  }
  reachable_ -= n_tokens;
  length_ -= n_tokens;
  return true;
}

}  // namespace sideman
