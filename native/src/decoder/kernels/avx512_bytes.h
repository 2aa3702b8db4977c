#pragma once

#include <immintrin.h>
#include <string.h>

#include "kernels.h"

// NF4 products with levels and inputs of bytes, for AVX-512 VNNI. Included inside no namespace, by a file with its own
// flags: see impl.h for why nothing here may be shared between object files.

namespace sideman {
namespace {

/// level + kOffset of each code, once in each lane of 16 bytes.
struct UnsignedLevels {
  std::uint8_t at[64] = {};
  constexpr UnsignedLevels() {
    for (int i = 0; i < 64; ++i)
      at[i] = static_cast<std::uint8_t>(integer_level<ByteLevels>(i % 16) + ByteLevels::kOffset);
  }
};
constexpr UnsignedLevels kUnsignedLevels;

/// Levels as bytes take two look-ups for 128 weights where words take four, and vpdpbusd multiplies 64 of them at once; a
/// lane is a row. It takes its left side unsigned, so that -kOffset times the sum of the inputs starts every sum.
/// Eight inputs are eight bytes in the order of the nibbles: low ones 0 4 1 5, high ones 2 6 3 7.
struct ByteProduct {
  static __m512i broadcast(const void* x) noexcept {
    int four;
    memcpy(&four, x, sizeof four);
    return _mm512_set1_epi32(four);
  }

  static void quantise(const float* x, int n, std::int16_t* q, float* words) noexcept {
    const __m128i order = _mm_setr_epi8(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15);
    auto* to = reinterpret_cast<__m128i*>(q);
    for (int b = 0; b < n / kBlockInputs; ++b, x += kBlockInputs, words += kInputWords) {
      __m512 biggest = _mm512_abs_ps(_mm512_loadu_ps(x));
      for (int i = 16; i < kBlockInputs; i += 16) biggest = _mm512_max_ps(biggest, _mm512_abs_ps(_mm512_loadu_ps(x + i)));
      const float peak = _mm512_reduce_max_ps(biggest);
      constexpr auto kLimit = static_cast<float>(ByteLevels::kInputLimit);
      const __m512 factor = _mm512_set1_ps(peak > 0.0f ? kLimit / peak : 0.0f);
      __m512i all = _mm512_setzero_si512();
      for (int i = 0; i < kBlockInputs; i += 16) {
        const __m512i value = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + i), factor));
        all = _mm512_add_epi32(all, value);
        _mm_storeu_si128(to++, _mm_shuffle_epi8(_mm512_cvtepi32_epi8(value), order));
      }
      words[0] = peak / (kLimit * ByteLevels::kScale);
      const int start = -ByteLevels::kOffset * _mm512_reduce_add_epi32(all);
      memcpy(words + 1, &start, sizeof start);
    }
  }

  /// C columns times R row groups that lie `apart` groups from each other: as many streams from memory.
  template <int C, int R>
  static void groups(const Nf4View& w, int group, int apart, const std::int8_t* q, const float* words, float* y,
                     int y_stride) noexcept {
    const std::int64_t row_bytes = std::int64_t{w.blocks_per_row} * kBlockBytes, between = row_bytes * apart;
    const std::uint8_t* p = w.blocks + group * row_bytes;
    const int inputs = w.blocks_per_row * kBlockInputs, next_words = w.blocks_per_row * kInputWords;
    const __m512i table = _mm512_loadu_si512(kUnsignedLevels.at), nibble = _mm512_set1_epi8(15);
    __m512 total[C][R];
    for (int c = 0; c < C; ++c)
      for (int r = 0; r < R; ++r) total[c][r] = _mm512_setzero_ps();
    for (int b = 0; b < w.blocks_per_row; ++b, p += kBlockBytes, q += kBlockInputs, words += kInputWords) {
      __m512i sum[R][C];
      for (int r = 0; r < R; ++r)
        for (int c = 0; c < C; ++c) sum[r][c] = broadcast(words + c * next_words + 1);
      for (int chunk = 0; chunk < 8; ++chunk)
        for (int r = 0; r < R; ++r) {
          const std::uint8_t* at = p + r * between + 64 * chunk;
          _mm_prefetch(reinterpret_cast<const char*>(at + kBlockBytes + 64), _MM_HINT_T0);
          const __m512i packed = _mm512_loadu_si512(at);
          const __m512i first = _mm512_shuffle_epi8(table, _mm512_and_si512(packed, nibble));
          const __m512i second = _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(packed, 4), nibble));
          for (int c = 0; c < C; ++c) {
            const std::int8_t* x = q + c * inputs + 8 * chunk;
            sum[r][c] = _mm512_dpbusd_epi32(sum[r][c], first, broadcast(x));
            sum[r][c] = _mm512_dpbusd_epi32(sum[r][c], second, broadcast(x + 4));
          }
        }
      for (int r = 0; r < R; ++r) {
        const std::uint8_t* at = p + r * between + 512;
        _mm_prefetch(reinterpret_cast<const char*>(at + kBlockBytes + 64), _MM_HINT_T0);
        const __m512 absmax = _mm512_loadu_ps(at);
        for (int c = 0; c < C; ++c) {
          const __m512 scale = _mm512_mul_ps(absmax, _mm512_set1_ps(words[c * next_words]));
          total[c][r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[r][c]), scale, total[c][r]);
        }
      }
    }
    for (int c = 0; c < C; ++c)
      for (int r = 0; r < R; ++r) _mm512_storeu_ps(y + c * y_stride + (group + r * apart) * kGroupRows, total[c][r]);
  }

  /// Rows come from memory for the first columns and from the cache for others; more of those share a look-up.
  template <int R>
  static void columns_of(const Nf4View& w, int group, int apart, const std::int8_t* q, const float* words, int columns,
                         float* y, int y_stride) noexcept {
    const int inputs = w.blocks_per_row * kBlockInputs, next_words = w.blocks_per_row * kInputWords;
    int c = 0;
    for (; c + 4 <= columns; c += 4)
      groups<4, R>(w, group, apart, q + c * inputs, words + c * next_words, y + c * y_stride, y_stride);
    for (; c + 2 <= columns; c += 2)
      groups<2, R>(w, group, apart, q + c * inputs, words + c * next_words, y + c * y_stride, y_stride);
    if (c < columns) groups<1, R>(w, group, apart, q + c * inputs, words + c * next_words, y + c * y_stride, y_stride);
  }

  static void multiply(const Nf4View& w, const std::int16_t* inputs, const float* words, int columns, float* y,
                       int y_stride) noexcept {
    constexpr int kWays = 4;
    const auto* q = reinterpret_cast<const std::int8_t*>(inputs);
    const int apart = w.groups / kWays;
    for (int g = 0; g < apart; ++g) columns_of<kWays>(w, g, apart, q, words, columns, y, y_stride);
    for (int g = apart * kWays; g < w.groups; ++g) columns_of<1>(w, g, 1, q, words, columns, y, y_stride);
  }
};

}  // namespace
}  // namespace sideman
