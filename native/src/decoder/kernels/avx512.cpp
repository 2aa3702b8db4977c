// AVX-512 with VNNI: a vector is one register. Compiled with flags of its own (CMakeLists.txt), chosen at run time.
#include <immintrin.h>
#include <string.h>

#include "avx512_bytes.h"
#include "impl.h"

namespace sideman {
namespace {

/// Each level twice: vpermw reads five bits, and the fifth belongs to the next nibble.
template <class Levels>
struct LevelTable {
  std::int16_t at[32] = {};
  constexpr LevelTable() {
    for (int i = 0; i < 32; ++i) at[i] = static_cast<std::int16_t>(integer_level<Levels>(i % 16));
  }
};
template <class Levels>
constexpr LevelTable<Levels> kLevels{};

struct Avx512 {
  using Floats = __m512;
  using Ints = __m512i;
  using Pairs = __m512i;  // lane: two int16
  using Codes = __m512i;
  using Nf4Sum = __m512i;
  static constexpr int kColumns = 2;
  static constexpr int kWays = 4;
  static constexpr int kSums = 4;  // of integers, at once

  static Floats zero() noexcept { return _mm512_setzero_ps(); }
  static Floats set(float x) noexcept { return _mm512_set1_ps(x); }
  static Floats load(const float* x) noexcept { return _mm512_loadu_ps(x); }
  static Floats load_bytes(const std::uint8_t* x) noexcept { return _mm512_loadu_ps(x); }
  static void store(Floats x, float* to) noexcept { _mm512_storeu_ps(to, x); }
  static Floats add(Floats a, Floats b) noexcept { return _mm512_add_ps(a, b); }
  static Floats sub(Floats a, Floats b) noexcept { return _mm512_sub_ps(a, b); }
  static Floats mul(Floats a, Floats b) noexcept { return _mm512_mul_ps(a, b); }
  static Floats fma(Floats a, Floats b, Floats c) noexcept { return _mm512_fmadd_ps(a, b, c); }
  static Floats max(Floats a, Floats b) noexcept { return _mm512_max_ps(a, b); }
  static Floats abs(Floats x) noexcept { return _mm512_abs_ps(x); }
  static float reduce_add(Floats x) noexcept { return _mm512_reduce_add_ps(x); }
  static float reduce_max(Floats x) noexcept { return _mm512_reduce_max_ps(x); }
  static Floats round(Floats x) noexcept { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT); }
  static Floats times_power_of_two(Floats x, Floats n) noexcept { return _mm512_scalef_ps(x, n); }
  static Floats zero_below(Floats x, Floats at, Floats limit) noexcept {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(at, limit, _CMP_GE_OQ), x);
  }
  static void prefetch(const void* at) noexcept { _mm_prefetch(static_cast<const char*>(at), _MM_HINT_T0); }

  static void store_int16(Floats x, std::int16_t* to) noexcept {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(x)));
  }
  static void store_inputs(Floats x, std::int16_t* to) noexcept { store_int16(x, to); }

  static Ints zero_ints() noexcept { return _mm512_setzero_si512(); }
  static Pairs load_pairs(const std::int8_t* x) noexcept {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x)));
  }
  static Pairs load_pairs(const std::int16_t* x) noexcept { return _mm512_loadu_si512(x); }
  static Pairs set_pair(const std::int16_t* x) noexcept {
    int both;
    memcpy(&both, x, sizeof both);
    return _mm512_set1_epi32(both);
  }
  static Ints madd(Ints sum, Pairs a, Pairs b) noexcept { return _mm512_dpwssd_epi32(sum, a, b); }
  static Floats to_floats(Ints x) noexcept { return _mm512_cvtepi32_ps(x); }

  static Nf4Sum nf4_zero() noexcept { return _mm512_setzero_si512(); }
  template <class Levels, int C>
  static void nf4_add(const std::uint8_t* codes, const std::int16_t* q, int apart, Nf4Sum (&sum)[C]) noexcept {
    const __m512i table = _mm512_loadu_si512(kLevels<Levels>.at), packed = _mm512_loadu_si512(codes);
    const __m512i w[4] = {_mm512_permutexvar_epi16(packed, table),
                          _mm512_permutexvar_epi16(_mm512_srli_epi16(packed, 4), table),
                          _mm512_permutexvar_epi16(_mm512_srli_epi16(packed, 8), table),
                          _mm512_permutexvar_epi16(_mm512_srli_epi16(packed, 12), table)};
    for (int s = 0; s < 4; ++s)
      for (int c = 0; c < C; ++c) sum[c] = _mm512_dpwssd_epi32(sum[c], w[s], set_pair(q + c * apart + 2 * s));
  }
  static Floats nf4_finish(Nf4Sum sum) noexcept { return _mm512_cvtepi32_ps(sum); }

  static Codes load_codes(const std::uint8_t* codes) noexcept { return _mm512_loadu_si512(codes); }
  static Floats level(Codes codes, int nibble) noexcept {
    return _mm512_permutexvar_ps(_mm512_srli_epi32(codes, static_cast<unsigned>(4 * nibble)), _mm512_loadu_ps(kNf4Levels));
  }
};

constexpr Kernels make_kernels() {
  Kernels kernels = Impl<Avx512>::table("avx512");
  kernels.bytes = {ByteProduct::quantise, ByteProduct::multiply};
  return kernels;
}

}  // namespace

const Kernels kAvx512Kernels = make_kernels();

}  // namespace sideman
