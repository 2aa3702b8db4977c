#include "kernels.h"

#include <cstdlib>
#include <stdexcept>
#include <string>

// CMakeLists.txt says which variants this build holds: SIDEMAN_AVX512 (always with AVX2), SIDEMAN_AVX2, SIDEMAN_NEON.
#if defined(SIDEMAN_AVX2) && defined(_MSC_VER) && !defined(__clang__)
#include <immintrin.h>
#include <intrin.h>
#endif

namespace sideman {
namespace {

#ifdef SIDEMAN_AVX2
#if defined(_MSC_VER) && !defined(__clang__)
struct Cpuid {
  int at[4];  // eax ebx ecx edx
  explicit Cpuid(int leaf) { __cpuidex(at, leaf, 0); }
  bool bit(int word, int number) const { return (at[word] >> number & 1) != 0; }
};

/// The system must save the registers too: XCR0 says which.
bool saved(unsigned long long mask) { return Cpuid(1).bit(2, 27) && (_xgetbv(0) & mask) == mask; }

bool has_avx2() { return saved(0x6) && Cpuid(7).bit(1, 5) && Cpuid(1).bit(2, 12); }

bool has_avx512() {
  const Cpuid seven(7);
  return has_avx2() && saved(0xE6) && seven.bit(1, 16) && seven.bit(1, 17) && seven.bit(1, 30) && seven.bit(1, 31) &&
         seven.bit(2, 11);
}
#else
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
}
#endif
#endif

const Kernels& decide() {
  const std::vector<const Kernels*> variants = available_kernels();
  const char* wish = std::getenv("SIDEMAN_KERNEL");
  if (wish == nullptr || *wish == '\0') return *variants.front();
  std::string names;
  for (const Kernels* variant : variants) {
    if (std::string(wish) == variant->name) return *variant;
    names += names.empty() ? variant->name : std::string(", ") + variant->name;
  }
  throw std::invalid_argument(std::string("SIDEMAN_KERNEL=") + wish + ": this machine runs " + names);
}

}  // namespace

std::vector<const Kernels*> available_kernels() {
  std::vector<const Kernels*> variants;
#ifdef SIDEMAN_AVX512
  if (has_avx512()) variants.push_back(&kAvx512Kernels);
#endif
#ifdef SIDEMAN_AVX2
  if (has_avx2()) variants.push_back(&kAvx2Kernels);
#endif
#ifdef SIDEMAN_NEON
  variants.push_back(&kNeonKernels);
#endif
  variants.push_back(&kPortableKernels);
  return variants;
}

const Kernels& best_kernels() {
  static const Kernels& chosen = decide();
  return chosen;
}

}  // namespace sideman
