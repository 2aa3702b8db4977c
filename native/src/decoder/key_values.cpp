#include "key_values.h"

#include <algorithm>
#include <cstring>

namespace sideman {
namespace {

float limit_of(Precision precision) {
  return static_cast<float>(precision == Precision::kInt8 ? kInt8Limit : kInt16Limit);
}

std::size_t element_bytes(Precision precision) {
  return precision == Precision::kExact ? 4 : precision == Precision::kInt16 ? 2 : 1;
}

}  // namespace

KeyValues::KeyValues(int heads, int head_dim, int positions, Precision precision, bool with_values, Arena& arena)
    : heads_(heads),
      head_dim_(head_dim),
      padded_dim_(round_up_16(head_dim)),
      positions_(positions),
      precision_(precision) {
  const std::size_t rows = std::size_t(heads) * std::size_t(positions);
  const std::size_t bytes = rows * std::size_t(padded_dim_) * element_bytes(precision);
  keys_ = arena.take<std::uint8_t>(bytes);
  if (with_values) values_ = arena.take<std::uint8_t>(bytes);
  if (precision != Precision::kExact) {
    key_scales_ = arena.take<float>(rows);
    if (with_values) value_scales_ = arena.take<float>(rows);
  }
}

template <class T>
void KeyValues::write_integers(const Kernels& kernels, T* keys, T* values, int position, int head, const float* key,
                               const float* value, float limit) noexcept {
  alignas(64) float padded[kMaxHeadDim] = {};
  alignas(64) std::int16_t q[kMaxHeadDim];
  std::copy_n(key, head_dim_, padded);
  key_scales_[row(head, position)] = kernels.quantise(padded, padded_dim_, limit, kSumLimit, q);
  T* to = keys + row(head, position / 16 * 16) * std::size_t(padded_dim_) + 2 * (position % 16);
  for (int i = 0; i < head_dim_; i += 2, to += 32) {
    to[0] = static_cast<T>(q[i]);
    to[1] = static_cast<T>(q[i + 1]);
  }
  if (values == nullptr) return;
  std::copy_n(value, head_dim_, padded);
  value_scales_[row(head, position)] = kernels.quantise(padded, padded_dim_, limit, kSumLimit, q);
  to = values + row(head, position / 2 * 2) * std::size_t(padded_dim_) + position % 2;
  for (int i = 0; i < head_dim_; ++i) to[2 * i] = static_cast<T>(q[i]);
}

void KeyValues::write(const Kernels& kernels, int position, const float* key, const float* value) noexcept {
  for (int head = 0; head < heads_; ++head, key += head_dim_, value += values_ == nullptr ? 0 : head_dim_) {
    if (precision_ == Precision::kInt8) {
      write_integers(kernels, static_cast<std::int8_t*>(keys_), static_cast<std::int8_t*>(values_), position, head, key,
                     value, limit_of(precision_));
    } else if (precision_ == Precision::kInt16) {
      write_integers(kernels, static_cast<std::int16_t*>(keys_), static_cast<std::int16_t*>(values_), position, head,
                     key, value, limit_of(precision_));
    } else {
      float* to = static_cast<float*>(keys_) + row(head, position / 16 * 16) * std::size_t(padded_dim_) + position % 16;
      for (int i = 0; i < head_dim_; ++i) to[16 * i] = key[i];
      if (values_ != nullptr)
        std::copy_n(value, head_dim_, static_cast<float*>(values_) + row(head, position) * std::size_t(padded_dim_));
    }
  }
}

void KeyValues::copy_block(const KeyValues& other, int from, int to) noexcept {
  const std::size_t bytes = std::size_t(16 * padded_dim_) * element_bytes(precision_);
  for (int head = 0; head < heads_; ++head) {
    const std::size_t source = other.row(head, 16 * from), target = row(head, 16 * to);
    const auto copy = [&](void* ours, const void* theirs) {
      if (ours != nullptr)
        std::memcpy(static_cast<std::uint8_t*>(ours) + target / 16 * bytes,
                    static_cast<const std::uint8_t*>(theirs) + source / 16 * bytes, bytes);
    };
    copy(keys_, other.keys_);
    copy(values_, other.values_);
    if (key_scales_ != nullptr) std::copy_n(other.key_scales_ + source, 16, key_scales_ + target);
    if (value_scales_ != nullptr) std::copy_n(other.value_scales_ + source, 16, value_scales_ + target);
  }
}

void KeyValues::prepare(const Kernels& kernels, const float* x, Query& query, int stream) const noexcept {
  float* to = query.x + stream * padded_dim_;
  std::copy_n(x, head_dim_, to);
  std::fill(to + head_dim_, to + padded_dim_, 0.0f);
  if (precision_ != Precision::kExact)
    query.scales[stream] = kernels.quantise(to, padded_dim_, static_cast<float>(kQueryLimit),
                                            kSumLimit / limit_of(precision_), query.q + stream * padded_dim_);
}

void KeyValues::scores(const Kernels& kernels, int head, int first_block, int blocks, const Query& query, float* out,
                       int first_stream, int streams, int out_stride) const noexcept {
  const std::size_t first = row(head, 16 * first_block), at = first * std::size_t(padded_dim_);
  const std::int16_t* q = query.q + first_stream * padded_dim_;
  const float* q_scales = query.scales + first_stream;
  if (precision_ == Precision::kInt8)
    kernels.scores_i8(static_cast<const std::int8_t*>(keys_) + at, key_scales_ + first, blocks, padded_dim_, q,
                      q_scales, streams, out, out_stride);
  else if (precision_ == Precision::kInt16)
    kernels.scores_i16(static_cast<const std::int16_t*>(keys_) + at, key_scales_ + first, blocks, padded_dim_, q,
                       q_scales, streams, out, out_stride);
  else
    kernels.scores_f32(static_cast<const float*>(keys_) + at, blocks, padded_dim_, query.x + first_stream * padded_dim_,
                       streams, out, out_stride);
}

void KeyValues::mix(const Kernels& kernels, int head, int first, int count, float* weights, std::int16_t* scratch,
                    float* out) const noexcept {
  const std::size_t at = row(head, first) * std::size_t(padded_dim_);
  if (precision_ == Precision::kExact) {
    kernels.mix_f32(static_cast<const float*>(values_) + at, count, padded_dim_, weights, out);
    return;
  }
  kernels.multiply(value_scales_ + row(head, first), count, weights);
  const float scale = kernels.quantise(weights, count, static_cast<float>(kQueryLimit), kSumLimit / limit_of(precision_), scratch);
  if (precision_ == Precision::kInt8)
    kernels.mix_i8(static_cast<const std::int8_t*>(values_) + at, count, padded_dim_, scratch, scale, out);
  else
    kernels.mix_i16(static_cast<const std::int16_t*>(values_) + at, count, padded_dim_, scratch, scale, out);
}

std::size_t KeyValues::bytes_per_position() const noexcept {
  const std::size_t scale = precision_ == Precision::kExact ? 0 : sizeof(float);
  const std::size_t one = std::size_t(heads_) * (std::size_t(padded_dim_) * element_bytes(precision_) + scale);
  return values_ == nullptr ? one : 2 * one;
}

}  // namespace sideman
