#include "sideman/sampler.h"

#include <algorithm>
#include <cmath>

#include "sideman/philox.h"

namespace sideman {
namespace {

/// Calls visit(pitch) for each pitch, ascending.
template <typename Visit>
void for_each(const PitchSet& set, Visit visit) noexcept {
  for (int half = 0; half < 2; ++half) {
    int pitch = 64 * half;
    for (std::uint64_t bits = set.words[half]; bits != 0; bits >>= 1, ++pitch)
      if (bits & 1u) visit(pitch);
  }
}

}  // namespace

Sampler::Sampler(const Layout& layout, std::uint64_t seed, std::size_t rollback)
    : layout_(layout),
      seed_(seed),
      rollback_(rollback),
      blocks_{Block::kNoteOn, Block::kNoteOff, Block::kTimeShift, Block::kVelocity},
      history_(rollback + kRepetitionWindow) {
  layout_.check();
  const int first[4] = {layout_.note_on, layout_.note_off, layout_.time_shift, layout_.velocity};
  std::sort(blocks_.begin(), blocks_.end(),
            [&](Block a, Block b) { return first[static_cast<int>(a)] < first[static_cast<int>(b)]; });
  const auto num_ids = static_cast<std::size_t>(layout_.num_ids);
  ids_.resize(num_ids);
  scores_.resize(num_ids);
  weights_.resize(num_ids);
  order_.resize(num_ids);
  bucket_of_.resize(num_ids);
  set_params(SamplerParams{});
}

Sampler::Sampler(const Sampler& parent, std::uint64_t seed, std::size_t rollback)
    : Sampler(parent.layout_, seed, rollback) {
  copy(parent);
}

void Sampler::copy(const Sampler& other) noexcept {
  if (this == &other) return;
  params_ = other.params_;
  playable_ = other.playable_;
  sounding_ = other.sounding_;
  num_sounding_ = other.num_sounding_;
  struck_ = other.struck_;
  step_count_ = other.step_count_;
  velocity_given_ = other.velocity_given_;
  last_ = other.last_;
  recent_strikes_ = other.recent_strikes_;
  stored_ = std::min(other.stored_, history_.size());
  for (std::size_t age = 0; age < stored_; ++age) history_[stored_ - 1 - age] = other.recent(age);
  newest_ = stored_ > 0 ? stored_ - 1 : 0;
  reachable_ = std::min(other.reachable_, rollback_);
  length_ = other.length_;
}

void Sampler::set_params(const SamplerParams& params) noexcept {
  params_ = params;
  playable_ = {};
  for (int pitch = params.register_low; pitch <= params.register_high; ++pitch)
    if (params.scale_mask >> (pitch % 12) & 1 && (pitch < params.clear_low || pitch > params.clear_high))
      playable_.add(pitch);
}

Sampler::Legal Sampler::legal() const noexcept {
  Legal legal{};
  PitchSet strikable;
  if (num_sounding_ < params_.polyphony) strikable = playable_.without(sounding_);
  if (velocity_given_) legal.note_on = strikable;
  if (last_ != Last::kVelocity) {
    for_each(sounding_, [&](int pitch) {
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
  for_each(now.note_on, [&](int pitch) { mask[layout_.note_on + pitch] = true; });
  for_each(now.note_off, [&](int pitch) { mask[layout_.note_off + pitch] = true; });
  if (now.velocity) std::fill_n(mask + layout_.velocity, layout_.num_velocities, true);
  if (now.time_shift) std::fill_n(mask + layout_.time_shift, layout_.num_shifts, true);
}

/// Scores of the legal tokens, by id: repetition penalty (Keskar et al. 2019).
void Sampler::gather(const float* logits) noexcept {
  const Legal now = legal();
  std::size_t count = 0;
  const auto add = [&](int id, double score) {
    ids_[count] = static_cast<std::uint16_t>(id);
    scores_[count++] = score;
  };
  for (std::size_t b = 0; b < blocks_.size(); ++b) {
    block_start_[b] = count;
    switch (blocks_[b]) {
      case Block::kNoteOn:
        for_each(now.note_on, [&](int pitch) {
          double score = static_cast<double>(logits[layout_.note_on + pitch]);
          if (recent_strikes_[static_cast<std::size_t>(pitch)] != 0)
            score = score > 0.0 ? score / params_.repetition : score * params_.repetition;
          add(layout_.note_on + pitch, score);
        });
        break;
      case Block::kNoteOff:
        for_each(now.note_off, [&](int pitch) {
          add(layout_.note_off + pitch, static_cast<double>(logits[layout_.note_off + pitch]));
        });
        break;
      case Block::kTimeShift:
        if (!now.time_shift) break;
        for (int id = layout_.time_shift; id < layout_.time_shift + layout_.num_shifts; ++id)
          add(id, static_cast<double>(logits[id]));
        break;
      case Block::kVelocity:
        if (!now.velocity) break;
        for (int id = layout_.velocity; id < layout_.velocity + layout_.num_velocities; ++id)
          add(id, static_cast<double>(logits[id]));
        break;
    }
  }
  block_start_[blocks_.size()] = count;
  first_ = 0;
  count_ = count;
}

/// Leaves in ids_ and weights_ what may be drawn, by id.
bool Sampler::weigh(const float* logits) noexcept {
  gather(logits);
  double best = scores_[0];
  bool has_nan = false;
  for (std::size_t i = 0; i < count_; ++i) {
    has_nan |= std::isnan(scores_[i]);
    best = scores_[i] > best ? scores_[i] : best;
  }
  if (has_nan || std::isinf(best)) return false;
  if (params_.keep_timing) {
    weigh_by_kind(best);
  } else {
    choose();
  }
  return true;
}

/// The chain within the NOTE_ONs; how likely each kind is, all timing and how hard a key is struck stay the model's.
void Sampler::weigh_by_kind(double best) noexcept {
  std::size_t out = 0;
  for (std::size_t b = 0; b < blocks_.size(); ++b) {
    const std::size_t begin = block_start_[b];
    const std::size_t size = block_start_[b + 1] - begin;
    for (std::size_t i = 0; i < size; ++i) {  // close the gap that the block before has left
      ids_[out + i] = ids_[begin + i];
      scores_[out + i] = scores_[begin + i];
    }
    first_ = out;
    count_ = size;
    double mass = 0.0;
    double highest = -INFINITY;
    for (std::size_t i = out; i < out + size; ++i) {
      weights_[i] = std::exp(scores_[i] - best);
      mass += weights_[i];
      highest = scores_[i] > highest ? scores_[i] : highest;
    }
    if (blocks_[b] == Block::kNoteOn && !std::isinf(highest)) {
      choose();
      const double share = mass / total();
      for (std::size_t i = out; i < out + count_; ++i) weights_[i] *= share;
    }
    out += count_;
  }
  first_ = 0;
  count_ = out;
}

/// Temperature, top-k, top-p, min-p.
void Sampler::choose() noexcept {
  double best = -INFINITY;
  for (std::size_t i = first_; i < first_ + count_; ++i) {
    scores_[i] /= params_.temperature;
    best = scores_[i] > best ? scores_[i] : best;
  }
  const auto top_k = static_cast<std::size_t>(params_.top_k);
  if (top_k > 0 && top_k < count_) {
    sort_into_buckets(best);
    for (std::size_t end = 0; end < top_k;) end = next_bucket_end(end);
    keep_through(top_k - 1);
  }
  for (std::size_t i = first_; i < first_ + count_; ++i) weights_[i] = std::exp(scores_[i] - best);
  if (params_.top_p < 1.0) {
    sort_into_buckets(best);
    keep_through(position_of_mass(params_.top_p * total()));
  }
  if (params_.min_p > 0.0) {  // the best weight is exp(0) = 1
    std::size_t kept = first_;
    for (std::size_t i = first_; i < first_ + count_; ++i) {
      ids_[kept] = ids_[i];
      weights_[kept] = weights_[i];
      kept += weights_[i] >= params_.min_p ? 1 : 0;
    }
    count_ = kept - first_;
  }
}

/// Groups indices by falling score without comparing them: top-k and top-p mostly need the first few groups, and only
/// those are then sorted.
void Sampler::sort_into_buckets(double best) noexcept {
  double worst = best;
  for (std::size_t i = first_; i < first_ + count_; ++i) worst = scores_[i] < worst ? scores_[i] : worst;
  const double range = std::min(best - worst, 40.0);  // beyond 40 nats nothing weighs
  const double scale = range > 0.0 ? static_cast<double>(kBuckets) / range : 0.0;
  bucket_start_.fill(0);
  for (std::size_t i = first_; i < first_ + count_; ++i) {
    const double place = std::min((best - scores_[i]) * scale, static_cast<double>(kBuckets - 1));
    bucket_of_[i] = static_cast<std::uint8_t>(place);  // monotonic in the score, whatever the rounding
    ++bucket_start_[bucket_of_[i] + 1u];
  }
  for (std::size_t b = 0; b < kBuckets; ++b)
    bucket_start_[b + 1] = static_cast<std::uint16_t>(bucket_start_[b + 1] + bucket_start_[b]);
  std::array<std::uint16_t, kBuckets> next;
  std::copy_n(bucket_start_.begin(), kBuckets, next.begin());
  for (std::size_t i = first_; i < first_ + count_; ++i) order_[next[bucket_of_[i]]++] = static_cast<std::uint16_t>(i);
}

/// Sorts one bucket by falling score, then rising id.
void Sampler::sort_bucket(std::size_t bucket) noexcept {
  std::sort(
      order_.begin() + bucket_start_[bucket], order_.begin() + bucket_start_[bucket + 1],
      [this](std::uint16_t a, std::uint16_t b) { return scores_[a] != scores_[b] ? scores_[a] > scores_[b] : a < b; });
}

/// Sorts the bucket at `position`, all before it being sorted; returns the position of the next bucket.
std::size_t Sampler::next_bucket_end(std::size_t position) noexcept {
  const std::size_t bucket = bucket_of_[order_[position]];
  sort_bucket(bucket);
  return bucket_start_[bucket + 1];
}

/// The position in falling order at which the summed weight first reaches `mass`, else the last.
std::size_t Sampler::position_of_mass(double mass) noexcept {
  double reached = 0.0;
  std::size_t sorted = 0;
  for (std::size_t position = 0; position < count_; ++position) {
    if (position == sorted) sorted = next_bucket_end(position);
    reached += weights_[order_[position]];
    if (reached >= mass) return position;
  }
  return count_ - 1;
}

/// Drops whatever comes after `position` in falling order; what stays, stays by id.
void Sampler::keep_through(std::size_t position) noexcept {
  const std::size_t cut = order_[position];
  const double cut_score = scores_[cut];
  std::size_t kept = first_;
  for (std::size_t i = first_; i < first_ + count_; ++i) {
    const bool keep = scores_[i] > cut_score || (scores_[i] == cut_score && i <= cut);
    ids_[kept] = ids_[i];
    scores_[kept] = scores_[i];
    weights_[kept] = weights_[i];
    kept += keep ? 1 : 0;
  }
  count_ = kept - first_;
}

double Sampler::total() const noexcept {
  double sum = 0.0;
  for (std::size_t i = first_; i < first_ + count_; ++i) sum += weights_[i];
  return sum;
}

std::optional<int> Sampler::sample(const float* logits, std::uint64_t index) noexcept {
  if (!weigh(logits)) return std::nullopt;
  const double target = philox_uniform(seed_, index) * total();
  double reached = 0.0;
  for (std::size_t i = 0; i < count_; ++i) {
    reached += weights_[i];
    if (reached > target) return ids_[i];
  }
  std::size_t last = count_ - 1;  // target was rounded up to the total
  while (weights_[last] == 0.0) --last;
  return ids_[last];
}

bool Sampler::distribution(const float* logits, double* probabilities) noexcept {
  if (!weigh(logits)) return false;
  std::fill_n(probabilities, layout_.num_ids, 0.0);
  const double sum = total();
  for (std::size_t i = 0; i < count_; ++i) probabilities[ids_[i]] = weights_[i] / sum;
  return true;
}

const Sampler::Undo& Sampler::recent(std::size_t age) const noexcept {
  return history_[(newest_ + history_.size() - age) % history_.size()];
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
  if (stored_ >= kRepetitionWindow) count_recent(recent(kRepetitionWindow - 1).token, -1);
  count_recent(token, +1);
  newest_ = (newest_ + 1) % history_.size();
  history_[newest_] = undo;
  stored_ = std::min(stored_ + 1, history_.size());
  reachable_ = std::min(reachable_ + 1, rollback_);
  ++length_;
  return true;
}

bool Sampler::rollback(std::size_t n_tokens) noexcept {
  if (n_tokens > reachable_) return false;
  for (std::size_t n = 0; n < n_tokens; ++n) {
    const Undo undo = history_[newest_];
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
    if (stored_ > kRepetitionWindow) count_recent(recent(kRepetitionWindow).token, +1);
    newest_ = (newest_ + history_.size() - 1) % history_.size();
    --stored_;
  }
  reachable_ -= n_tokens;
  length_ -= n_tokens;
  return true;
}

}  // namespace sideman
