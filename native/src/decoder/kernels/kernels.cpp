#include "kernels.h"

#include <cstdlib>
#include <stdexcept>
#include <string>

// CMakeLists.txt says which variants this build holds: SIDEMAN_AVX512 and SIDEMAN_AVXVNNI (always with
// AVX2), SIDEMAN_AVX2, SIDEMAN_NEONDOT (always with NEON), SIDEMAN_NEON.
#ifdef SIDEMAN_AVX2
#ifdef _MSC_VER
#include <immintrin.h>
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif
#if defined(SIDEMAN_NEONDOT) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace sideman {
namespace {

#ifdef SIDEMAN_AVX2
// The processor is asked itself: __builtin_cpu_supports() reads what a constructor of the compiler's library has filled in,
// and zig's, which wheels are linked with, does not run one.
struct Cpuid {
  unsigned at[4] = {};  // eax ebx ecx edx; 0 of a leaf that the processor has not
  explicit Cpuid(unsigned leaf, unsigned subleaf = 0) {
#ifdef _MSC_VER
    int words[4];
    __cpuid(words, 0);
    if (static_cast<unsigned>(words[0]) < leaf) return;
    __cpuidex(words, static_cast<int>(leaf), static_cast<int>(subleaf));
    for (int i = 0; i < 4; ++i) at[i] = static_cast<unsigned>(words[i]);
#else
    __get_cpuid_count(leaf, subleaf, &at[0], &at[1], &at[2], &at[3]);
#endif
  }
  bool bit(int word, int number) const { return (at[word] >> number & 1) != 0; }
};

unsigned long long saved_registers() {
#ifdef _MSC_VER
  return _xgetbv(0);
#else
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<unsigned long long>(high) << 32 | low;
#endif
}

/// The system must save the registers too: XCR0 says which.
bool saved(unsigned long long mask) { return Cpuid(1).bit(2, 27) && (saved_registers() & mask) == mask; }

bool has_avx2() { return saved(0x6) && Cpuid(7).bit(1, 5) && Cpuid(1).bit(2, 12); }

/// A leaf says of its highest subleaf in eax of the first.
bool has_avxvnni() { return has_avx2() && Cpuid(7).at[0] >= 1 && Cpuid(7, 1).bit(0, 4); }

bool has_avx512() {
#ifdef __APPLE__
  const bool wide = true;  // saved from their first use on, and not said before it
#else
  const bool wide = saved(0xE6);
#endif
  const Cpuid seven(7);
  return has_avx2() && wide && seven.bit(1, 16) && seven.bit(1, 17) && seven.bit(1, 30) && seven.bit(1, 31) &&
         seven.bit(2, 11);
}
#endif

#ifdef SIDEMAN_NEONDOT
bool has_dot_products() {
#if defined(__APPLE__)
  return true;  // since the first of these processors in a Mac
#elif defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
  return false;
#endif
}
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
#ifdef SIDEMAN_AVXVNNI
  if (has_avxvnni()) variants.push_back(&kAvxVnniKernels);
#endif
#ifdef SIDEMAN_AVX2
  if (has_avx2()) variants.push_back(&kAvx2Kernels);
#endif
#ifdef SIDEMAN_NEONDOT
  if (has_dot_products()) variants.push_back(&kNeonDotKernels);
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
