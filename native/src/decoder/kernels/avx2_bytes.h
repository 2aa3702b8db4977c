#pragma once

#include <immintrin.h>
#include <string.h>

#include "kernels.h"

// NF4 products with levels and inputs of bytes, for AVX2. avx2.h says who includes this, and what Dot is.

namespace sideman {
namespace {

/// level + kOffset of each code, in both halves.
struct UnsignedLevels {
  std::uint8_t at[32] = {};
  constexpr UnsignedLevels() {
    for (int i = 0; i < 32; ++i)
      at[i] = static_cast<std::uint8_t>(integer_level<ByteLevels>(i % 16) + ByteLevels::kOffset);
  }
};
constexpr UnsignedLevels kUnsignedLevels;

/// One look-up gives the levels of 32 weights, four to a row, and one product takes all of them; a lane is a row. Its left
/// side has no sign, so that -kOffset times the sum of the inputs starts every sum.
/// Eight inputs are eight bytes in the order of the nibbles: low ones 0 4 1 5, high ones 2 6 3 7.
template <class Dot>
struct ByteProduct {
  static constexpr int kAhead = 4 * kBlockBytes;  // of what is read, fetched into the cache

  static __m256i broadcast(const void* x) noexcept {
    int four;
    memcpy(&four, x, sizeof four);
    return _mm256_set1_epi32(four);
  }

  static void quantise(const float* x, int n, std::int16_t* q, float* words) noexcept {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    auto* to = reinterpret_cast<__m128i*>(q);
    for (int b = 0; b < n / kBlockInputs; ++b, x += kBlockInputs, words += kInputWords) {
      __m256 biggest = _mm256_andnot_ps(sign, _mm256_loadu_ps(x));
      for (int i = 8; i < kBlockInputs; i += 8)
        biggest = _mm256_max_ps(biggest, _mm256_andnot_ps(sign, _mm256_loadu_ps(x + i)));
      __m128 most = _mm_max_ps(_mm256_castps256_ps128(biggest), _mm256_extractf128_ps(biggest, 1));
      most = _mm_max_ps(most, _mm_movehl_ps(most, most));
      const float peak = _mm_cvtss_f32(_mm_max_ss(most, _mm_movehdup_ps(most)));
      constexpr auto kLimit = static_cast<float>(ByteLevels::kInputLimit);
      const __m256 factor = _mm256_set1_ps(peak > 0.0f ? kLimit / peak : 0.0f);
      const auto integers = [&](int i) { return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i), factor)); };
      __m256i all = _mm256_setzero_si256();
      for (int i = 0; i < kBlockInputs; i += 32) {
        const __m256i first = _mm256_packs_epi32(integers(i), integers(i + 8));
        const __m256i second = _mm256_packs_epi32(integers(i + 16), integers(i + 24));
        all = _mm256_add_epi32(all, _mm256_madd_epi16(_mm256_add_epi16(first, second), _mm256_set1_epi16(1)));
        // Packs works in halves: the lower holds inputs 0 to 3 of each eight, the upper 4 to 7.
        const __m256i bytes = _mm256_packs_epi16(first, second);
        const __m128i lower = _mm256_castsi256_si128(bytes), upper = _mm256_extracti128_si256(bytes, 1);
        _mm_storeu_si128(to++, _mm_unpacklo_epi8(lower, upper));
        _mm_storeu_si128(to++, _mm_unpackhi_epi8(lower, upper));
      }
      __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
      sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
      sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1));
      words[0] = peak / (kLimit * ByteLevels::kScale);
      const int start = -ByteLevels::kOffset * _mm_cvtsi128_si32(sum);
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
    const __m256i table = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kUnsignedLevels.at));
    const __m256i nibble = _mm256_set1_epi8(15);
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
          _mm_prefetch(reinterpret_cast<const char*>(at + kAhead), _MM_HINT_T0);
          for (int half = 0; half < 2; ++half) {
            const __m256i packed = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 32 * half));
            for (int s = 0; s < 2; ++s) {
              const __m256i index = _mm256_and_si256(s == 0 ? packed : _mm256_srli_epi16(packed, 4), nibble);
              const __m256i levels = _mm256_shuffle_epi8(table, index);
              for (int c = 0; c < C; ++c) {
                const __m256i four = broadcast(q + c * inputs + 8 * chunk + 4 * s);
                sum[r][c][half] = Dot::bytes(sum[r][c][half], levels, four);
              }
            }
          }
        }
      for (int r = 0; r < R; ++r) {
        const auto* absmax = reinterpret_cast<const float*>(p + r * between + 512);
        _mm_prefetch(reinterpret_cast<const char*>(absmax) + kAhead, _MM_HINT_T0);
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
};

}  // namespace
}  // namespace sideman
