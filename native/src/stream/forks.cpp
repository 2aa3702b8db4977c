#include <algorithm>
#include <stdexcept>

#include "limits.h"
#include "sideman/stream.h"

namespace sideman {

Stream::Stream(Decoder& decoder, const Stream& parent, std::uint64_t seed, int rollback)
    : Stream(decoder, parent.layout_, parent.rules_, seed, rollback) {
  if (&decoder == &parent.decoder_ || decoder.length() != parent.decoder_.length() ||
      !copy(parent, parent.decoder_.length()))
    throw std::invalid_argument("a fork's decoder must be forked from the parent's where that stands now");
  forked_ = length();
  refresh();
}

bool Stream::copy(const Stream& other, std::int64_t same) {
  if (this == &other) return true;
  if (!decoder_.copy(other.decoder_, std::min({same, decoder_.length(), other.decoder_.length()}))) return false;
  sampler_.copy(other.sampler_);
  asked_ = other.asked_;
  memory_.copy(other.memory_);
  past_.copy(other.past_);
  onsets_ = other.onsets_;
  step_ = other.step_;
  until_ = other.until_;
  forked_ = std::min(std::max(forked_, other.forked_), length());
  drawn_.reset();  // the other's draw: its own may differ
  has_logits_ = other.has_logits_;
  logits_ = other.logits_;
  return true;
}

void Stream::set_seed(std::uint64_t seed) noexcept {
  sampler_.set_seed(seed);
  drawn_.reset();
}

void Stream::shift(std::int64_t steps) {
  check_step(steps);  // first: the sums below are numbers then
  check_step(step_ + steps);
  check_step(until_ + steps);
  for (std::size_t age = 0; age < past_.size(); ++age) {
    Entry& entry = past_[age];
    entry.step += steps;
    entry.onset_step += steps;
  }
  for (std::int64_t& onset : onsets_) onset += steps;
  step_ += steps;
  until_ += steps;
  asked_.shift(steps, layout_.step_ms / 1000.0);
}

}  // namespace sideman
