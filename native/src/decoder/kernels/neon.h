#pragma once

#include <arm_neon.h>
#include <string.h>

#include "impl.h"

// 64-bit ARM: a vector is four registers. Included inside no namespace, by files with flags of their own (impl.h).

namespace sideman {
namespace {

/// One byte of each integer level, for tbl.
template <class Levels>
struct LevelTable {
  std::uint8_t at[16] = {};
  constexpr explicit LevelTable(int shift) {
    for (int i = 0; i < 16; ++i) at[i] = static_cast<std::uint8_t>(integer_level<Levels>(i) >> shift & 255);
  }
};
template <class Levels>
constexpr LevelTable<Levels> kLowBytes(0);
template <class Levels>
constexpr LevelTable<Levels> kHighBytes(8);

struct Neon {
  struct Floats {
    float32x4_t at[4];
  };
  struct Ints {
    int32x4_t at[8];  // before the last addition: two lanes of these are one
  };
  struct Pairs {
    int16x8_t at[4];  // lane: two int16
  };
  struct Codes {
    uint32x4_t at[4];
  };
  using Nf4Sum = Ints;  // two rows a register
  static constexpr int kColumns = 2;
  static constexpr int kWays = 1;
  static constexpr int kSums = 2;  // of integers, at once: 16 of the 32 registers

  template <class Function>
  static Floats each(Function function) noexcept {
    return {{function(0), function(1), function(2), function(3)}};
  }

  static Floats zero() noexcept { return set(0.0f); }
  static Floats set(float x) noexcept {
    return each([&](int) { return vdupq_n_f32(x); });
  }
  static Floats load(const float* x) noexcept {
    return each([&](int i) { return vld1q_f32(x + 4 * i); });
  }
  static Floats load_bytes(const std::uint8_t* x) noexcept {
    return each([&](int i) { return vreinterpretq_f32_u8(vld1q_u8(x + 16 * i)); });
  }
  static void store(const Floats& x, float* to) noexcept {
    for (int i = 0; i < 4; ++i) vst1q_f32(to + 4 * i, x.at[i]);
  }
  static Floats add(const Floats& a, const Floats& b) noexcept {
    return each([&](int i) { return vaddq_f32(a.at[i], b.at[i]); });
  }
  static Floats sub(const Floats& a, const Floats& b) noexcept {
    return each([&](int i) { return vsubq_f32(a.at[i], b.at[i]); });
  }
  static Floats mul(const Floats& a, const Floats& b) noexcept {
    return each([&](int i) { return vmulq_f32(a.at[i], b.at[i]); });
  }
  static Floats fma(const Floats& a, const Floats& b, const Floats& c) noexcept {
    return each([&](int i) { return vfmaq_f32(c.at[i], a.at[i], b.at[i]); });
  }
  static Floats max(const Floats& a, const Floats& b) noexcept {
    return each([&](int i) { return vmaxq_f32(a.at[i], b.at[i]); });
  }
  static Floats abs(const Floats& x) noexcept {
    return each([&](int i) { return vabsq_f32(x.at[i]); });
  }
  static float reduce_add(const Floats& x) noexcept {
    return vaddvq_f32(vaddq_f32(vaddq_f32(x.at[0], x.at[1]), vaddq_f32(x.at[2], x.at[3])));
  }
  static float reduce_max(const Floats& x) noexcept {
    return vmaxvq_f32(vmaxq_f32(vmaxq_f32(x.at[0], x.at[1]), vmaxq_f32(x.at[2], x.at[3])));
  }
  static Floats round(const Floats& x) noexcept {
    return each([&](int i) { return vrndnq_f32(x.at[i]); });
  }
  static Floats times_power_of_two(const Floats& x, const Floats& n) noexcept {
    return each([&](int i) {
      const int32x4_t bits = vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n.at[i]), vdupq_n_s32(127)), 23);
      return vmulq_f32(x.at[i], vreinterpretq_f32_s32(bits));
    });
  }
  static Floats zero_below(const Floats& x, const Floats& at, const Floats& limit) noexcept {
    return each([&](int i) {
      return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(x.at[i]), vcgeq_f32(at.at[i], limit.at[i])));
    });
  }
  static void prefetch(const void* at) noexcept { __builtin_prefetch(at); }

  static int16x8_t to_int16(float32x4_t low, float32x4_t high) noexcept {
    return vcombine_s16(vqmovn_s32(vcvtnq_s32_f32(low)), vqmovn_s32(vcvtnq_s32_f32(high)));
  }
  static void store_int16(const Floats& x, std::int16_t* to) noexcept {
    vst1q_s16(to, to_int16(x.at[0], x.at[1]));
    vst1q_s16(to + 8, to_int16(x.at[2], x.at[3]));
  }
  /// Eight inputs as the low nibbles of four bytes want them, then the high ones: 0 4 1 5 2 6 3 7.
  static void store_inputs(const Floats& x, std::int16_t* to) noexcept {
    for (int i = 0; i < 2; ++i) {
      const int16x8_t in = to_int16(x.at[2 * i], x.at[2 * i + 1]);
      vst1q_s16(to + 8 * i, vzip1q_s16(in, vextq_s16(in, in, 4)));
    }
  }

  static Ints zero_ints() noexcept {
    const int32x4_t zero = vdupq_n_s32(0);
    return {{zero, zero, zero, zero, zero, zero, zero, zero}};
  }
  static Pairs load_pairs(const std::int8_t* x) noexcept {
    const int8x16_t a = vld1q_s8(x), b = vld1q_s8(x + 16);
    return {{vmovl_s8(vget_low_s8(a)), vmovl_high_s8(a), vmovl_s8(vget_low_s8(b)), vmovl_high_s8(b)}};
  }
  static Pairs load_pairs(const std::int16_t* x) noexcept {
    return {{vld1q_s16(x), vld1q_s16(x + 8), vld1q_s16(x + 16), vld1q_s16(x + 24)}};
  }
  static Pairs set_pair(const std::int16_t* x) noexcept {
    std::int32_t both;
    memcpy(&both, x, sizeof both);
    const int16x8_t all = vreinterpretq_s16_s32(vdupq_n_s32(both));
    return {{all, all, all, all}};
  }
  static Ints madd(Ints sum, const Pairs& a, const Pairs& b) noexcept {
    for (int i = 0; i < 4; ++i) {
      sum.at[2 * i] = vmlal_s16(sum.at[2 * i], vget_low_s16(a.at[i]), vget_low_s16(b.at[i]));
      sum.at[2 * i + 1] = vmlal_high_s16(sum.at[2 * i + 1], a.at[i], b.at[i]);
    }
    return sum;
  }
  static Floats to_floats(const Ints& x) noexcept {
    return each([&](int i) { return vcvtq_f32_s32(vpaddq_s32(x.at[2 * i], x.at[2 * i + 1])); });
  }

  static Nf4Sum nf4_zero() noexcept { return zero_ints(); }
  template <class Levels, int C>
  static void nf4_add(const std::uint8_t* codes, const std::int16_t* q, int apart, Nf4Sum (&sum)[C]) noexcept {
    const uint8x16_t low = vld1q_u8(kLowBytes<Levels>.at), high = vld1q_u8(kHighBytes<Levels>.at);
    for (int quarter = 0; quarter < 4; ++quarter) {  // four rows
      const uint8x16_t packed = vld1q_u8(codes + 16 * quarter);
      for (int s = 0; s < 2; ++s) {
        const uint8x16_t index = s == 0 ? vandq_u8(packed, vdupq_n_u8(15)) : vshrq_n_u8(packed, 4);
        const uint8x16_t lows = vqtbl1q_u8(low, index), highs = vqtbl1q_u8(high, index);
        const int16x8_t first = vreinterpretq_s16_u8(vzip1q_u8(lows, highs));
        const int16x8_t second = vreinterpretq_s16_u8(vzip2q_u8(lows, highs));
        for (int c = 0; c < C; ++c) {
          const int16x4_t x = vld1_s16(q + c * apart + 4 * s);
          const int16x8_t twice = vcombine_s16(x, x);
          int32x4_t* at = sum[c].at + 2 * quarter;
          at[0] = vaddq_s32(at[0], vpaddq_s32(vmull_s16(vget_low_s16(first), x), vmull_high_s16(first, twice)));
          at[1] = vaddq_s32(at[1], vpaddq_s32(vmull_s16(vget_low_s16(second), x), vmull_high_s16(second, twice)));
        }
      }
    }
  }
  static Floats nf4_finish(const Nf4Sum& sum) noexcept { return to_floats(sum); }

  static Codes load_codes(const std::uint8_t* codes) noexcept {
    return {{vreinterpretq_u32_u8(vld1q_u8(codes)), vreinterpretq_u32_u8(vld1q_u8(codes + 16)),
             vreinterpretq_u32_u8(vld1q_u8(codes + 32)), vreinterpretq_u32_u8(vld1q_u8(codes + 48))}};
  }
  /// The 16 floats of the table are 64 bytes, which one tbl spans: byte b of a level lies at 4 * code + b.
  static Floats level(const Codes& codes, int nibble) noexcept {
    const auto* table = reinterpret_cast<const std::uint8_t*>(kNf4Levels);
    const uint8x16x4_t levels = vld1q_u8_x4(table);
    return each([&](int i) {
      const uint32x4_t code = vandq_u32(vshlq_u32(codes.at[i], vdupq_n_s32(-4 * nibble)), vdupq_n_u32(15));
      const uint32x4_t index = vmlaq_u32(vdupq_n_u32(0x03020100u), code, vdupq_n_u32(0x04040404u));
      return vreinterpretq_f32_u8(vqtbl4q_u8(levels, vreinterpretq_u8_u32(index)));
    });
  }
};

}  // namespace
}  // namespace sideman
