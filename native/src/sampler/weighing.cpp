// Logits -> the weights to draw by: repetition, temperature, top-k, top-p, min-p.
#include "sideman/sampler.h"

#include <algorithm>
#include <cmath>

namespace sideman {

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
        now.note_on.for_each([&](int pitch) {
          double score = static_cast<double>(logits[layout_.note_on + pitch]);
          if (recent_strikes_[static_cast<std::size_t>(pitch)] != 0)
            score = score > 0.0 ? score / params_.repetition : score * params_.repetition;
          add(layout_.note_on + pitch, score);
        });
        break;
      case Block::kNoteOff:
        now.note_off.for_each([&](int pitch) {
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

}  // namespace sideman
