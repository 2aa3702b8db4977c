#pragma once

#include "kernels.h"

// Attention over stored keys and values: scores of queries, and values mixed by weight.
// impl.h says who includes this, and why nothing in it may be shared between object files.

namespace sideman {
namespace {

template <class Simd>
struct Attention {
  using Floats = typename Simd::Floats;
  using Ints = typename Simd::Ints;

  /// N blocks and C queries at once: as many independent sums.
  template <int N, int C, class T>
  static void score_blocks(const T* keys, const float* key_scales, int dim, const std::int16_t* q,
                           const float* q_scales, float* out, int out_stride) noexcept {
    Ints sum[N][C];
    for (int n = 0; n < N; ++n)
      for (int c = 0; c < C; ++c) sum[n][c] = Simd::zero_ints();
    for (int i = 0; i < dim; i += 2)
      for (int n = 0; n < N; ++n) {
        const T* at = keys + n * dim * 16 + i * 16;
        Simd::prefetch(at + N * dim * 16);
        const auto pairs = Simd::load_pairs(at);
        for (int c = 0; c < C; ++c) sum[n][c] = Simd::madd(sum[n][c], pairs, Simd::set_pair(q + c * dim + i));
      }
    for (int n = 0; n < N; ++n)
      for (int c = 0; c < C; ++c) {
        const Floats scale = Simd::mul(Simd::load(key_scales + 16 * n), Simd::set(q_scales[c]));
        Simd::store(Simd::mul(Simd::to_floats(sum[n][c]), scale), out + c * out_stride + 16 * n);
      }
  }

  template <int C, class T>
  static void scores_of(const T* keys, const float* key_scales, int blocks, int dim, const std::int16_t* q,
                        const float* q_scales, float* out, int out_stride) noexcept {
    constexpr int kBlocks = Simd::kSums / C;
    int b = 0;
    for (; b + kBlocks <= blocks; b += kBlocks)
      score_blocks<kBlocks, C>(keys + b * dim * 16, key_scales + 16 * b, dim, q, q_scales, out + 16 * b, out_stride);
    for (; b < blocks; ++b)
      score_blocks<1, C>(keys + b * dim * 16, key_scales + 16 * b, dim, q, q_scales, out + 16 * b, out_stride);
  }

  template <class T>
  static void scores(const T* keys, const float* key_scales, int blocks, int dim, const std::int16_t* q,
                     const float* q_scales, int columns, float* out, int out_stride) noexcept {
    if (columns == 2)
      scores_of<2>(keys, key_scales, blocks, dim, q, q_scales, out, out_stride);
    else
      scores_of<1>(keys, key_scales, blocks, dim, q, q_scales, out, out_stride);
  }

  static void scores_f32(const float* keys, int blocks, int dim, const float* q, int columns, float* out,
                         int out_stride) noexcept {
    if (columns == 2) scores_f32(keys, blocks, dim, q + dim, 1, out + out_stride, 0);
    for (int b = 0; b < blocks; ++b, keys += dim * 16) {
      Floats even = Simd::zero(), odd = Simd::zero();
      for (int i = 0; i < dim; i += 2) {
        Simd::prefetch(keys + (i + dim) * 16);
        Simd::prefetch(keys + (i + dim) * 16 + 16);
        even = Simd::fma(Simd::load(keys + i * 16), Simd::set(q[i]), even);
        odd = Simd::fma(Simd::load(keys + i * 16 + 16), Simd::set(q[i + 1]), odd);
      }
      Simd::store(Simd::add(even, odd), out + 16 * b);
    }
  }

  template <int N, class T>
  static void mix_lanes(const T* values, int pairs, int dim, const std::int16_t* w, float scale, float* out) noexcept {
    Ints sum[N];
    for (int n = 0; n < N; ++n) sum[n] = Simd::zero_ints();
    for (int p = 0; p < pairs; ++p, values += 2 * dim) {
      const auto weight = Simd::set_pair(w + 2 * p);
      Simd::prefetch(values + 16 * dim);
      for (int n = 0; n < N; ++n) sum[n] = Simd::madd(sum[n], Simd::load_pairs(values + 32 * n), weight);
    }
    for (int n = 0; n < N; ++n)
      Simd::store(Simd::fma(Simd::to_floats(sum[n]), Simd::set(scale), Simd::load(out + 16 * n)), out + 16 * n);
  }

  template <class T>
  static void mix(const T* values, int positions, int dim, const std::int16_t* w, float scale, float* out) noexcept {
    constexpr int kSums = Simd::kSums;
    const int pairs = positions / 2;
    int i = 0;
    for (; i + 16 * kSums <= dim; i += 16 * kSums) mix_lanes<kSums>(values + 2 * i, pairs, dim, w, scale, out + i);
    for (; i + 16 <= dim; i += 16) mix_lanes<1>(values + 2 * i, pairs, dim, w, scale, out + i);
  }

  static void mix_f32(const float* values, int positions, int dim, const float* w, float* out) noexcept {
    for (int i = 0; i < dim; i += 16) {
      Floats even = Simd::zero(), odd = Simd::zero();
      for (int p = 0; p < positions; p += 2) {
        even = Simd::fma(Simd::load(values + p * dim + i), Simd::set(w[p]), even);
        odd = Simd::fma(Simd::load(values + (p + 1) * dim + i), Simd::set(w[p + 1]), odd);
      }
      Simd::store(Simd::add(Simd::load(out + i), Simd::add(even, odd)), out + i);
    }
  }
};

}  // namespace
}  // namespace sideman
