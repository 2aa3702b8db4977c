// AVX2 with FMA. Compiled with flags of its own (CMakeLists.txt), chosen at run time.
#include "avx2.h"

namespace sideman {
namespace {

struct Dot {
  static __m256i words(__m256i sum, __m256i x, __m256i y) noexcept {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(x, y));
  }
  static __m256i bytes(__m256i sum, __m256i x, __m256i y) noexcept {
    return words(sum, _mm256_maddubs_epi16(x, y), _mm256_set1_epi16(1));
  }
};

}  // namespace

const Kernels kAvx2Kernels = avx2_kernels<Dot>("avx2");

}  // namespace sideman
