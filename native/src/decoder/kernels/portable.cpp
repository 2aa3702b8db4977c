// Plain C++: a vector is an array of 16. What every other variant is held to.
#include <math.h>
#include <string.h>

#include "impl.h"

namespace sideman {
namespace {

template <class Levels>
struct LevelTable {
  std::int16_t at[16] = {};
  constexpr LevelTable() {
    for (int i = 0; i < 16; ++i) at[i] = static_cast<std::int16_t>(integer_level<Levels>(i));
  }
};
template <class Levels>
constexpr LevelTable<Levels> kLevels{};

struct Portable {
  struct Floats {
    float at[16];
  };
  struct Ints {
    std::int32_t at[16];
  };
  struct Pairs {
    std::int16_t at[32];
  };
  struct Codes {
    std::uint32_t at[16];
  };
  using Nf4Sum = Ints;
  static constexpr int kColumns = 1;  // more do not fit the registers
  static constexpr int kWays = 1;
  static constexpr int kSums = 4;  // of integers, at once

  template <class Function>
  static Floats each(Function function) noexcept {
    Floats out;
    for (int i = 0; i < 16; ++i) out.at[i] = function(i);
    return out;
  }

  static Floats zero() noexcept { return set(0.0f); }
  static Floats set(float x) noexcept {
    return each([&](int) { return x; });
  }
  static Floats load(const float* x) noexcept {
    return each([&](int i) { return x[i]; });
  }
  static Floats load_bytes(const std::uint8_t* x) noexcept {
    Floats out;
    memcpy(out.at, x, sizeof out.at);
    return out;
  }
  static void store(const Floats& x, float* to) noexcept { memcpy(to, x.at, sizeof x.at); }
  static Floats add(const Floats& a, const Floats& b) noexcept {
    return each([&](int i) { return a.at[i] + b.at[i]; });
  }
  static Floats sub(const Floats& a, const Floats& b) noexcept {
    return each([&](int i) { return a.at[i] - b.at[i]; });
  }
  static Floats mul(const Floats& a, const Floats& b) noexcept {
    return each([&](int i) { return a.at[i] * b.at[i]; });
  }
  static Floats fma(const Floats& a, const Floats& b, const Floats& c) noexcept {
    return each([&](int i) { return a.at[i] * b.at[i] + c.at[i]; });
  }
  static Floats max(const Floats& a, const Floats& b) noexcept {
    return each([&](int i) { return a.at[i] > b.at[i] ? a.at[i] : b.at[i]; });
  }
  static Floats abs(const Floats& x) noexcept {
    return each([&](int i) { return fabsf(x.at[i]); });
  }
  /// In halves, as the vector units do it: the error stays that of a few additions.
  static float reduce_add(Floats x) noexcept {
    for (int width = 8; width > 0; width /= 2)
      for (int i = 0; i < width; ++i) x.at[i] += x.at[i + width];
    return x.at[0];
  }
  static float reduce_max(const Floats& x) noexcept {
    float biggest = x.at[0];
    for (const float value : x.at) biggest = value > biggest ? value : biggest;
    return biggest;
  }
  /// To the nearest integer, ties to even, for magnitudes below 2^22.
  static float round_one(float x) noexcept { return (x + 12582912.0f) - 12582912.0f; }
  static Floats round(const Floats& x) noexcept {
    return each([&](int i) { return round_one(x.at[i]); });
  }
  static Floats times_power_of_two(const Floats& x, const Floats& n) noexcept {
    return each([&](int i) {
      const std::int32_t bits = (static_cast<std::int32_t>(n.at[i]) + 127) << 23;
      float power;
      memcpy(&power, &bits, sizeof power);
      return x.at[i] * power;
    });
  }
  static Floats zero_below(const Floats& x, const Floats& at, const Floats& limit) noexcept {
    return each([&](int i) { return at.at[i] >= limit.at[i] ? x.at[i] : 0.0f; });
  }
  static void prefetch(const void*) noexcept {}

  static void store_int16(const Floats& x, std::int16_t* to) noexcept {
    for (int i = 0; i < 16; ++i) to[i] = static_cast<std::int16_t>(round_one(x.at[i]));
  }
  static void store_inputs(const Floats& x, std::int16_t* to) noexcept { store_int16(x, to); }

  static Ints zero_ints() noexcept { return {}; }
  template <class T>
  static Pairs load_pairs(const T* x) noexcept {
    Pairs out;
    for (int i = 0; i < 32; ++i) out.at[i] = x[i];
    return out;
  }
  static Pairs set_pair(const std::int16_t* x) noexcept {
    Pairs out;
    for (int i = 0; i < 32; ++i) out.at[i] = x[i % 2];
    return out;
  }
  static Ints madd(Ints sum, const Pairs& a, const Pairs& b) noexcept {
    for (int i = 0; i < 16; ++i) sum.at[i] += a.at[2 * i] * b.at[2 * i] + a.at[2 * i + 1] * b.at[2 * i + 1];
    return sum;
  }
  static Floats to_floats(const Ints& x) noexcept {
    return each([&](int i) { return static_cast<float>(x.at[i]); });
  }

  static Nf4Sum nf4_zero() noexcept { return {}; }
  template <class Levels, int C>
  static void nf4_add(const std::uint8_t* codes, const std::int16_t* q, int apart, Nf4Sum (&sum)[C]) noexcept {
    const Codes packed = load_codes(codes);
    for (int n = 0; n < 8; ++n)
      for (int row = 0; row < 16; ++row) {
        const int level = kLevels<Levels>.at[packed.at[row] >> (4 * n) & 15u];
        for (int c = 0; c < C; ++c) sum[c].at[row] += level * q[c * apart + kNibbleInput[n]];
      }
  }
  static Floats nf4_finish(const Nf4Sum& sum) noexcept { return to_floats(sum); }

  static Codes load_codes(const std::uint8_t* codes) noexcept {
    Codes out;
    for (int row = 0; row < 16; ++row)
      out.at[row] = static_cast<std::uint32_t>(codes[4 * row] | codes[4 * row + 1] << 8 | codes[4 * row + 2] << 16) |
                    static_cast<std::uint32_t>(codes[4 * row + 3]) << 24;
    return out;
  }
  static Floats level(const Codes& codes, int nibble) noexcept {
    return each([&](int row) { return kNf4Levels[codes.at[row] >> (4 * nibble) & 15u]; });
  }
};

}  // namespace

const Kernels kPortableKernels = Impl<Portable>::table("portable");

}  // namespace sideman
