// NEON with dot products of bytes, which every Mac with an ARM processor has. Compiled with flags of its own
// (CMakeLists.txt), chosen at run time.
#include "columns.h"
#include "neon.h"

namespace sideman {
namespace {

/// Levels as bytes, for tbl.
struct ByteTable {
  std::int8_t at[16] = {};
  constexpr ByteTable() {
    for (int i = 0; i < 16; ++i) at[i] = static_cast<std::int8_t>(integer_level<ByteLevels>(i));
  }
};
constexpr ByteTable kByteTable;

/// One look-up gives the levels of 16 weights, four to a row, and sdot multiplies all of them; a lane is a row.
/// Eight inputs are eight bytes in the order of the nibbles: low ones 0 4 1 5, high ones 2 6 3 7.
struct ByteProduct {
  static constexpr int kAhead = 4 * kBlockBytes;  // of what is read, fetched into the cache

  static int8x16_t broadcast(const std::int8_t* x) noexcept {
    std::int32_t four;
    memcpy(&four, x, sizeof four);
    return vreinterpretq_s8_s32(vdupq_n_s32(four));
  }

  static void quantise(const float* x, int n, std::int16_t* q, float* words) noexcept {
    static const std::uint8_t order[16] = {0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15};
    const uint8x16_t in_order = vld1q_u8(order);
    auto* to = reinterpret_cast<std::int8_t*>(q);
    for (int b = 0; b < n / kBlockInputs; ++b, x += kBlockInputs, words += kInputWords) {
      float32x4_t biggest = vabsq_f32(vld1q_f32(x));
      for (int i = 4; i < kBlockInputs; i += 4) biggest = vmaxq_f32(biggest, vabsq_f32(vld1q_f32(x + i)));
      const float peak = vmaxvq_f32(biggest);
      constexpr auto kLimit = static_cast<float>(ByteLevels::kInputLimit);
      const float factor = peak > 0.0f ? kLimit / peak : 0.0f;
      const auto eight = [&](int i) {
        return vqmovn_s16(Neon::to_int16(vmulq_n_f32(vld1q_f32(x + i), factor), vmulq_n_f32(vld1q_f32(x + i + 4), factor)));
      };
      for (int i = 0; i < kBlockInputs; i += 16, to += 16)
        vst1q_s8(to, vqtbl1q_s8(vcombine_s8(eight(i), eight(i + 8)), in_order));
      words[0] = peak / (kLimit * ByteLevels::kScale);
    }
  }

  /// C columns times R row groups that lie `apart` groups from each other: as many streams from memory.
  template <int C, int R>
  static void groups(const Nf4View& w, int group, int apart, const std::int8_t* q, const float* words, float* y,
                     int y_stride) noexcept {
    const std::int64_t row_bytes = std::int64_t{w.blocks_per_row} * kBlockBytes, between = row_bytes * apart;
    const std::uint8_t* p = w.blocks + group * row_bytes;
    const int inputs = w.blocks_per_row * kBlockInputs, next_words = w.blocks_per_row * kInputWords;
    const int8x16_t table = vld1q_s8(kByteTable.at);
    float32x4_t total[R][C][4];
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c)
        for (int i = 0; i < 4; ++i) total[r][c][i] = vdupq_n_f32(0.0f);
    for (int b = 0; b < w.blocks_per_row; ++b, p += kBlockBytes, q += kBlockInputs, words += kInputWords) {
      int32x4_t sum[R][C][4];
      for (int r = 0; r < R; ++r)
        for (int c = 0; c < C; ++c)
          for (int i = 0; i < 4; ++i) sum[r][c][i] = vdupq_n_s32(0);
      for (int chunk = 0; chunk < 8; ++chunk)
        for (int r = 0; r < R; ++r) {
          const std::uint8_t* at = p + r * between + 64 * chunk;
          __builtin_prefetch(at + kAhead);
          for (int i = 0; i < 4; ++i) {  // four rows
            const uint8x16_t packed = vld1q_u8(at + 16 * i);
            const int8x16_t first = vqtbl1q_s8(table, vandq_u8(packed, vdupq_n_u8(15)));
            const int8x16_t second = vqtbl1q_s8(table, vshrq_n_u8(packed, 4));
            for (int c = 0; c < C; ++c) {
              const std::int8_t* from = q + c * inputs + 8 * chunk;
              sum[r][c][i] = vdotq_s32(vdotq_s32(sum[r][c][i], first, broadcast(from)), second, broadcast(from + 4));
            }
          }
        }
      for (int r = 0; r < R; ++r) {
        const auto* absmax = reinterpret_cast<const float*>(p + r * between + 512);
        __builtin_prefetch(reinterpret_cast<const std::uint8_t*>(absmax) + kAhead);
        for (int c = 0; c < C; ++c)
          for (int i = 0; i < 4; ++i) {
            const float32x4_t scale = vmulq_n_f32(vld1q_f32(absmax + 4 * i), words[c * next_words]);
            total[r][c][i] = vfmaq_f32(total[r][c][i], vcvtq_f32_s32(sum[r][c][i]), scale);
          }
      }
    }
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c)
        for (int i = 0; i < 4; ++i)
          vst1q_f32(y + c * y_stride + (group + r * apart) * kGroupRows + 4 * i, total[r][c][i]);
  }
};

constexpr Kernels make_kernels() {
  Kernels kernels = Impl<Neon>::table("neondot");
  kernels.bytes = {ByteProduct::quantise, Columns<ByteProduct>::multiply};
  return kernels;
}

}  // namespace

const Kernels kNeonDotKernels = make_kernels();

}  // namespace sideman
