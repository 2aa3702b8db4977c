#pragma once

#include <immintrin.h>
#include <string.h>

#include "kernels.h"

// NF4 products with levels of 8 bits, for AVX2. Included inside no namespace, by a file with its own flags: see
// kernels_impl.h for why nothing here may be shared between object files.

namespace sideman {
namespace {

/// level + 128 of each code, in both halves.
struct UnsignedLevels {
  std::uint8_t at[32] = {};
  constexpr UnsignedLevels() {
    for (int i = 0; i < 32; ++i) at[i] = static_cast<std::uint8_t>(integer_level<ByteLevels>(i % 16) + 128);
  }
};
constexpr UnsignedLevels kUnsignedLevels;

/// One look-up gives the levels of 32 weights as bytes, four to a row; a mask and a shift make words of them, (0, 1) and
/// (4, 5) of eight inputs from low nibbles and (2, 3) and (6, 7) from high ones, so that inputs stay in their order and a
/// lane is a row. The levels are unsigned for that, and -128 times the sum of the inputs starts every sum.
struct ByteProduct {
  static __m256i broadcast(const void* x) noexcept {
    int two;
    memcpy(&two, x, sizeof two);
    return _mm256_set1_epi32(two);
  }

  static void quantise(const float* x, int n, std::int16_t* q, float* words) noexcept {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    for (int b = 0; b < n / kBlockInputs; ++b, x += kBlockInputs, q += kBlockInputs, words += kInputWords) {
      __m256 biggest = _mm256_andnot_ps(sign, _mm256_loadu_ps(x));
      for (int i = 8; i < kBlockInputs; i += 8)
        biggest = _mm256_max_ps(biggest, _mm256_andnot_ps(sign, _mm256_loadu_ps(x + i)));
      __m128 most = _mm_max_ps(_mm256_castps256_ps128(biggest), _mm256_extractf128_ps(biggest, 1));
      most = _mm_max_ps(most, _mm_movehl_ps(most, most));
      const float peak = _mm_cvtss_f32(_mm_max_ss(most, _mm_movehdup_ps(most)));
      const __m256 factor = _mm256_set1_ps(peak > 0.0f ? static_cast<float>(kInputLimit) / peak : 0.0f);
      __m256i all = _mm256_setzero_si256();
      for (int i = 0; i < kBlockInputs; i += 16) {
        const __m256i low = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i), factor));
        const __m256i high = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i + 8), factor));
        all = _mm256_add_epi32(all, _mm256_add_epi32(low, high));
        const __m256i both = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xD8);  // packs works in halves
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(q + i), both);
      }
      __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
      sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
      sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1));
      words[0] = peak / (static_cast<float>(kInputLimit) * ByteLevels::kScale);
      const int start = -128 * _mm_cvtsi128_si32(sum);
      memcpy(words + 1, &start, sizeof start);
    }
  }

  /// R row groups that lie `apart` groups from each other: as many streams from memory.
  template <int C, int R>
  static void groups(const Nf4View& w, int group, int apart, const std::int16_t* q, const float* words, float* y,
                     int y_stride) noexcept {
    const std::int64_t row_bytes = std::int64_t{w.blocks_per_row} * kBlockBytes, between = row_bytes * apart;
    const std::uint8_t* p = w.blocks + group * row_bytes;
    const int inputs = w.blocks_per_row * kBlockInputs, next_words = w.blocks_per_row * kInputWords;
    const __m256i table = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kUnsignedLevels.at));
    const __m256i nibble = _mm256_set1_epi8(15), even = _mm256_set1_epi16(255);
    __m256 total[R][C][2];
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c) total[r][c][0] = total[r][c][1] = _mm256_setzero_ps();
    for (int b = 0; b < w.blocks_per_row; ++b, p += kBlockBytes, q += kBlockInputs, words += kInputWords) {
      __m256i sum[R][C][2];
      for (int r = 0; r < R; ++r)
        for (int c = 0; c < C; ++c) sum[r][c][0] = sum[r][c][1] = broadcast(words + c * next_words + 1);
      for (int chunk = 0; chunk < 8; ++chunk)
        for (int r = 0; r < R; ++r) {
          const std::uint8_t* at = p + r * between + 64 * chunk;
          _mm_prefetch(reinterpret_cast<const char*>(at + kBlockBytes + 64), _MM_HINT_T0);
          for (int half = 0; half < 2; ++half) {
            const __m256i packed = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 32 * half));
            for (int s = 0; s < 2; ++s) {
              const __m256i index = _mm256_and_si256(s == 0 ? packed : _mm256_srli_epi16(packed, 4), nibble);
              const __m256i levels = _mm256_shuffle_epi8(table, index);
              const __m256i first = _mm256_and_si256(levels, even), second = _mm256_srli_epi16(levels, 8);
              for (int c = 0; c < C; ++c) {
                const std::int16_t* x = q + c * inputs + 8 * chunk + 2 * s;
                __m256i& to = sum[r][c][half];
                to = _mm256_add_epi32(to, _mm256_madd_epi16(first, broadcast(x)));
                to = _mm256_add_epi32(to, _mm256_madd_epi16(second, broadcast(x + 4)));
              }
            }
          }
        }
      for (int r = 0; r < R; ++r) {
        const auto* absmax = reinterpret_cast<const float*>(p + r * between + 512);
        _mm_prefetch(reinterpret_cast<const char*>(absmax) + kBlockBytes + 64, _MM_HINT_T0);
        for (int c = 0; c < C; ++c)
          for (int half = 0; half < 2; ++half) {
            const __m256 scale = _mm256_mul_ps(_mm256_loadu_ps(absmax + 8 * half), _mm256_set1_ps(words[c * next_words]));
            total[r][c][half] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[r][c][half]), scale, total[r][c][half]);
          }
      }
    }
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c)
        for (int half = 0; half < 2; ++half)
          _mm256_storeu_ps(y + c * y_stride + (group + r * apart) * kGroupRows + 8 * half, total[r][c][half]);
  }

  template <int R>
  static void columns_of(const Nf4View& w, int group, int apart, const std::int16_t* q, const float* words, int columns,
                         float* y, int y_stride) noexcept {
    const int inputs = w.blocks_per_row * kBlockInputs, next_words = w.blocks_per_row * kInputWords;
    int c = 0;
    for (; c + 2 <= columns; c += 2)
      groups<2, R>(w, group, apart, q + c * inputs, words + c * next_words, y + c * y_stride, y_stride);
    if (c < columns) groups<1, R>(w, group, apart, q + c * inputs, words + c * next_words, y + c * y_stride, y_stride);
  }

  static void multiply(const Nf4View& w, const std::int16_t* q, const float* words, int columns, float* y,
                       int y_stride) noexcept {
    constexpr int kWays = 2;
    const int apart = w.groups / kWays;
    for (int g = 0; g < apart; ++g) columns_of<kWays>(w, g, apart, q, words, columns, y, y_stride);
    for (int g = apart * kWays; g < w.groups; ++g) columns_of<1>(w, g, 1, q, words, columns, y, y_stride);
  }
};

}  // namespace
}  // namespace sideman
