// AVX2 with FMA and AVX-VNNI, whose dot products are one instruction. Compiled with flags of its own (CMakeLists.txt),
// chosen at run time.
#include "avx2.h"

namespace sideman {
namespace {

struct Dot {
  static __m256i words(__m256i sum, __m256i x, __m256i y) noexcept { return _mm256_dpwssd_avx_epi32(sum, x, y); }
  static __m256i bytes(__m256i sum, __m256i x, __m256i y) noexcept { return _mm256_dpbusd_avx_epi32(sum, x, y); }
};

}  // namespace

const Kernels kAvxVnniKernels = avx2_kernels<Dot>("avxvnni");

}  // namespace sideman
