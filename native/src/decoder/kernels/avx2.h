#pragma once

#include <immintrin.h>
#include <string.h>

#include "avx2_bytes.h"
#include "columns.h"
#include "impl.h"

// AVX2 with FMA: a vector is two registers. Included inside no namespace, by a file with its own flags (impl.h) and its own
// Dot: words(sum, x, y) adds to each of 8 lanes the products of two int16, bytes(sum, x, y) those of four bytes, of which
// x's have no sign and each two products fit 16 bits.

namespace sideman {
namespace {

/// One byte of each integer level, for pshufb, in both halves.
template <class Levels>
struct LevelTable {
  std::uint8_t at[32] = {};
  constexpr explicit LevelTable(int shift) {
    for (int i = 0; i < 32; ++i) at[i] = static_cast<std::uint8_t>(integer_level<Levels>(i % 16) >> shift & 255);
  }
};
template <class Levels>
constexpr LevelTable<Levels> kLowBytes(0);
template <class Levels>
constexpr LevelTable<Levels> kHighBytes(8);

template <class Dot>
struct Avx2 {
  struct Floats {
    __m256 a, b;
  };
  struct Ints {
    __m256i a, b;
  };
  using Pairs = Ints;  // lane: two int16
  using Codes = Ints;
  /// Before the last addition: rows 0 1 4 5, rows 2 3 6 7, and the same of rows 8 to 15; two lanes a row.
  struct Nf4Sum {
    __m256i part[4];
  };
  static constexpr int kColumns = 2;
  static constexpr int kWays = 1;  // the sums of one row group and two columns fill the registers
  static constexpr int kSums = 4;  // of integers, at once

  static Floats zero() noexcept { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static Floats set(float x) noexcept { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static Floats load(const float* x) noexcept { return {_mm256_loadu_ps(x), _mm256_loadu_ps(x + 8)}; }
  static Floats load_bytes(const std::uint8_t* x) noexcept { return load(reinterpret_cast<const float*>(x)); }
  static void store(Floats x, float* to) noexcept {
    _mm256_storeu_ps(to, x.a);
    _mm256_storeu_ps(to + 8, x.b);
  }
  static Floats add(Floats x, Floats y) noexcept { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
  static Floats sub(Floats x, Floats y) noexcept { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
  static Floats mul(Floats x, Floats y) noexcept { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
  static Floats fma(Floats x, Floats y, Floats z) noexcept {
    return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
  }
  static Floats max(Floats x, Floats y) noexcept { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
  static Floats abs(Floats x) noexcept {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return {_mm256_andnot_ps(sign, x.a), _mm256_andnot_ps(sign, x.b)};
  }
  static float reduce_add(Floats x) noexcept {
    const __m256 sum = _mm256_add_ps(x.a, x.b);
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
  }
  static float reduce_max(Floats x) noexcept {
    const __m256 biggest = _mm256_max_ps(x.a, x.b);
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(biggest), _mm256_extractf128_ps(biggest, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
  }
  static Floats round(Floats x) noexcept {
    constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    return {_mm256_round_ps(x.a, kNearest), _mm256_round_ps(x.b, kNearest)};
  }
  static __m256 power_of_two(__m256 n) noexcept {
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
  }
  static Floats times_power_of_two(Floats x, Floats n) noexcept {
    return {_mm256_mul_ps(x.a, power_of_two(n.a)), _mm256_mul_ps(x.b, power_of_two(n.b))};
  }
  static Floats zero_below(Floats x, Floats at, Floats limit) noexcept {
    return {_mm256_and_ps(x.a, _mm256_cmp_ps(at.a, limit.a, _CMP_GE_OQ)),
            _mm256_and_ps(x.b, _mm256_cmp_ps(at.b, limit.b, _CMP_GE_OQ))};
  }
  static void prefetch(const void* at) noexcept { _mm_prefetch(static_cast<const char*>(at), _MM_HINT_T0); }

  static __m256i to_int16(Floats x) noexcept {
    const __m256i both = _mm256_packs_epi32(_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b));
    return _mm256_permute4x64_epi64(both, 0xD8);  // packs works in halves
  }
  static void store_int16(Floats x, std::int16_t* to) noexcept {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), to_int16(x));
  }
  /// Eight inputs as the low nibbles of four bytes want them, then the high ones: 0 4 1 5 2 6 3 7.
  static void store_inputs(Floats x, std::int16_t* to) noexcept {
    const __m256i order = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_shuffle_epi8(to_int16(x), order));
  }

  static __m256i load_256(const void* x) noexcept { return _mm256_loadu_si256(static_cast<const __m256i*>(x)); }
  static Ints zero_ints() noexcept { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
  static Pairs load_pairs(const std::int8_t* x) noexcept {
    return {_mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x))),
            _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x + 16)))};
  }
  static Pairs load_pairs(const std::int16_t* x) noexcept { return {load_256(x), load_256(x + 16)}; }
  static Pairs set_pair(const std::int16_t* x) noexcept {
    int both;
    memcpy(&both, x, sizeof both);
    return {_mm256_set1_epi32(both), _mm256_set1_epi32(both)};
  }
  static Ints madd(Ints sum, Pairs x, Pairs y) noexcept {
    return {Dot::words(sum.a, x.a, y.a), Dot::words(sum.b, x.b, y.b)};
  }
  static Floats to_floats(Ints x) noexcept { return {_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }

  static Nf4Sum nf4_zero() noexcept {
    const __m256i zero = _mm256_setzero_si256();
    return {{zero, zero, zero, zero}};
  }
  template <class Levels, int C>
  static void nf4_add(const std::uint8_t* codes, const std::int16_t* q, int apart, Nf4Sum (&sum)[C]) noexcept {
    const __m256i low = load_256(kLowBytes<Levels>.at), high = load_256(kHighBytes<Levels>.at);
    const __m256i nibble = _mm256_set1_epi8(15);
    for (int half = 0; half < 2; ++half) {
      const __m256i packed = load_256(codes + 32 * half);
      for (int s = 0; s < 2; ++s) {
        const __m256i index = _mm256_and_si256(s == 0 ? packed : _mm256_srli_epi16(packed, 4), nibble);
        const __m256i lows = _mm256_shuffle_epi8(low, index), highs = _mm256_shuffle_epi8(high, index);
        const __m256i first = _mm256_unpacklo_epi8(lows, highs), second = _mm256_unpackhi_epi8(lows, highs);
        for (int c = 0; c < C; ++c) {
          long long four;
          memcpy(&four, q + c * apart + 4 * s, sizeof four);
          const __m256i x = _mm256_set1_epi64x(four);
          __m256i* part = sum[c].part + 2 * half;
          part[0] = Dot::words(part[0], first, x);
          part[1] = Dot::words(part[1], second, x);
        }
      }
    }
  }
  static Floats nf4_finish(Nf4Sum sum) noexcept {
    return {_mm256_cvtepi32_ps(_mm256_hadd_epi32(sum.part[0], sum.part[1])),
            _mm256_cvtepi32_ps(_mm256_hadd_epi32(sum.part[2], sum.part[3]))};
  }

  static Codes load_codes(const std::uint8_t* codes) noexcept { return {load_256(codes), load_256(codes + 32)}; }
  static __m256 level_half(__m256i codes, int nibble) noexcept {
    const __m256i index = _mm256_srli_epi32(codes, 4 * nibble);
    const __m256 below = _mm256_permutevar8x32_ps(_mm256_loadu_ps(kNf4Levels), index);
    const __m256 above = _mm256_permutevar8x32_ps(_mm256_loadu_ps(kNf4Levels + 8), index);
    return _mm256_blendv_ps(below, above, _mm256_castsi256_ps(_mm256_slli_epi32(index, 28)));  // by the nibble's top bit
  }
  static Floats level(Codes codes, int nibble) noexcept {
    return {level_half(codes.a, nibble), level_half(codes.b, nibble)};
  }
};

template <class Dot>
constexpr Kernels avx2_kernels(const char* name) {
  Kernels kernels = Impl<Avx2<Dot>>::table(name);
  kernels.bytes = {ByteProduct<Dot>::quantise, Columns<ByteProduct<Dot>>::multiply};
  return kernels;
}

}  // namespace
}  // namespace sideman
