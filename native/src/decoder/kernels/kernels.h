#pragma once

#include <cstdint>
#include <vector>

namespace sideman {

/// Matrices are cut into groups of 16 rows: a vector lane is a row, and an input is broadcast to all of them.
constexpr int kGroupRows = 16;
constexpr int kBlockInputs = 64;   // NF4 weights that share a scale
constexpr int kBlockBytes = 576;   // 16 rows x 64 codes of 4 bits, then 16 scales
constexpr int kInputWords = 2;     // of scratch for each 64 inputs, beside the integers
constexpr int kInt8Limit = 127;    // keys and values in caches and tables
constexpr int kInt16Limit = 8191;
constexpr int kQueryLimit = 32767;
constexpr float kSumLimit = 2.1e9f;  // below 2^31: bounds an integer dot product

/// The 16 levels of NF4 (QLoRA, Dettmers et al. 2023, appendix E), as engine/model/nf4.py has them.
constexpr float kNf4Levels[16] = {
    -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f,
    -0.18477343022823334f, -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f,
    0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f};

/// NF4 levels and inputs as integers, in two finenesses. Fine: of 13 and 14 bits, so that 64 products fit 31 bits. Bytes:
/// of 7 and 8 bits, so that two products of a level made unsigned by kOffset and an input fit 16 bits (vpmaddubsw). Among
/// the scales up to 63 theirs leaves the least error, 1 % of the levels' root mean square by how often each occurs; NF4
/// itself leaves 9 % of the weights'.
struct FineLevels {
  static constexpr float kScale = 4095.0f;
  static constexpr int kInputLimit = 8191;
};
struct ByteLevels {
  static constexpr float kScale = 63.32f;
  static constexpr int kInputLimit = 127;
  static constexpr int kOffset = 64;
};

template <class Levels>
constexpr int integer_level(int code) {
  const float level = kNf4Levels[code] * Levels::kScale;
  return static_cast<int>(level < 0.0f ? level - 0.5f : level + 0.5f);
}

/// Which input of eight a nibble belongs to, counted from the low end of a row's four bytes: vpermw looks up the nibbles
/// s and 4 + s together, and these are then neighbours.
constexpr int kNibbleInput[8] = {0, 2, 4, 6, 1, 3, 5, 7};

/// Rows in NF4: group g, block b lies at blocks + (g * blocks_per_row + b) * kBlockBytes; in it, chunk c (8 inputs) holds
/// four bytes of codes for each row.
struct Nf4View {
  const std::uint8_t* blocks;
  int groups;
  int blocks_per_row;
};

/// Rows in fp32: group g, input k, row r lies at values[(g * inputs + k) * 16 + r].
struct DenseView {
  const float* values;
  int groups;
  int inputs;
};

/// NF4 rows times inputs as integers: the sum over a block is exact.
struct IntegerProduct {
  /// n inputs -> integers of at most the levels' kInputLimit in this variant's order and width, and kInputWords for each
  /// 64, the first of which is their scale over that of the levels; the second is the variant's business.
  void (*quantise)(const float* x, int n, std::int16_t* q, float* words) noexcept;
  /// `columns` quantised inputs (64 * blocks_per_row apart) -> y[column * y_stride + row].
  void (*multiply)(const Nf4View& w, const std::int16_t* q, const float* words, int columns, float* y,
                   int y_stride) noexcept;
};

/// What the decoder spends its time in, for one instruction set. All lengths in elements; those of float arrays are
/// multiples of 16. Integer products are exact, so the variants differ in the rounding of float sums alone.
/// Thread-safe: yes. Realtime-safe: yes.
struct Kernels {
  const char* name;

  IntegerProduct fine, bytes;  // by the levels
  /// The same from fp32 inputs in fp32.
  void (*nf4_exact)(const Nf4View& w, const float* x, int columns, float* y, int y_stride) noexcept;
  void (*dense)(const DenseView& w, const float* x, int columns, float* y, int y_stride) noexcept;

  /// out[r] = a[r * n ...] . x, and y += sum of t[r] * b[r * n ...]: the two halves of a low-rank adapter. For `columns`
  /// vectors, n, `rows` and y_stride floats apart.
  void (*dots)(const float* a, int rows, int n, const float* x, int columns, float* out) noexcept;
  void (*add_rows)(const float* b, int rows, int n, const float* t, int columns, float* y, int y_stride) noexcept;

  /// x -> integers, each at most peak_limit and summing to at most sum_limit in magnitude; returns the scale.
  float (*quantise)(const float* x, int n, float peak_limit, float sum_limit, std::int16_t* q) noexcept;

  /// Keys lie in blocks of 16 positions, [dim / 2][16][2] (fp32: [dim][16]); values in pairs, [dim][2] (fp32: [dim]).
  /// scores: out[position] = q . key, times both scales, for `columns` (1 or 2) queries, dim apart; |q| <= kQueryLimit.
  /// mix: out[i] += scale * sum of w[position] * value[i]; w >= 0.
  void (*scores_i8)(const std::int8_t* keys, const float* key_scales, int blocks, int dim, const std::int16_t* q,
                    const float* q_scales, int columns, float* out, int out_stride) noexcept;
  void (*scores_i16)(const std::int16_t* keys, const float* key_scales, int blocks, int dim, const std::int16_t* q,
                     const float* q_scales, int columns, float* out, int out_stride) noexcept;
  void (*scores_f32)(const float* keys, int blocks, int dim, const float* q, int columns, float* out,
                     int out_stride) noexcept;
  void (*mix_i8)(const std::int8_t* values, int positions, int dim, const std::int16_t* w, float scale, float* out) noexcept;
  void (*mix_i16)(const std::int16_t* values, int positions, int dim, const std::int16_t* w, float scale,
                  float* out) noexcept;
  void (*mix_f32)(const float* values, int positions, int dim, const float* w, float* out) noexcept;

  float (*max)(const float* x, int n) noexcept;
  float (*sum)(const float* x, int n) noexcept;
  /// x = exp(x - shift) in place, 0 below exp(-87); returns the sum.
  float (*exp_sum)(float* x, int n, float shift) noexcept;
  void (*add)(const float* x, int n, float* y) noexcept;             // y += x
  void (*multiply)(const float* x, int n, float* y) noexcept;        // y *= x
  void (*squared_relu)(float* x, int n) noexcept;                    // x = max(x, 0)^2
  void (*layer_norm)(const float* x, const float* weight, const float* bias, int n, float* y) noexcept;
};

/// The variant that fits this machine best, or the one that the environment variable SIDEMAN_KERNEL names.
/// std::invalid_argument: no such variant, or not on this machine. Decided once.
const Kernels& best_kernels();

/// Those that this machine runs, the best first; the last is the portable one.
std::vector<const Kernels*> available_kernels();

extern const Kernels kPortableKernels;
extern const Kernels kAvx2Kernels;    // x86-64 with AVX2 and FMA
extern const Kernels kAvxVnniKernels;  // the same with AVX-VNNI
extern const Kernels kAvx512Kernels;  // x86-64 with AVX-512 F, BW, DQ, VL and VNNI
extern const Kernels kNeonKernels;     // 64-bit ARM
extern const Kernels kNeonDotKernels;  // the same with dot products of bytes

}  // namespace sideman
