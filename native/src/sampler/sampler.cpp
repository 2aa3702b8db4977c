#include "sideman/sampler.h"

#include <algorithm>

#include "sideman/philox.h"

namespace sideman {

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
  history_.copy(other.history_);
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

}  // namespace sideman
