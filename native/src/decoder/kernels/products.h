#pragma once

#include "kernels.h"

// Products of matrices and vectors: NF4 and float32 weights, a style's thin matrices.
// impl.h says who includes this, and why nothing in it may be shared between object files.

namespace sideman {
namespace {

constexpr int kPrefetchBytes = 640;  // about a block ahead: weights stream in from memory once a token

template <int N>
struct Constant {
  static constexpr int value = N;
};

template <class Simd>
struct Products {
  using Floats = typename Simd::Floats;

  template <class Levels>
  static void quantise_inputs(const float* x, int n, std::int16_t* q, float* words) noexcept {
    for (int b = 0; b < n / kBlockInputs; ++b, x += kBlockInputs, q += kBlockInputs, words += kInputWords) {
      Floats biggest = Simd::abs(Simd::load(x));
      for (int i = 16; i < kBlockInputs; i += 16) biggest = Simd::max(biggest, Simd::abs(Simd::load(x + i)));
      const float peak = Simd::reduce_max(biggest);
      const Floats factor = Simd::set(peak > 0.0f ? static_cast<float>(Levels::kInputLimit) / peak : 0.0f);
      for (int i = 0; i < kBlockInputs; i += 16) Simd::store_inputs(Simd::mul(Simd::load(x + i), factor), q + i);
      words[0] = peak / (static_cast<float>(Levels::kInputLimit) * Levels::kScale);
    }
  }

  /// R row groups that lie `apart` groups from each other: as many streams from memory.
  template <class Levels, int C, int R>
  static void nf4_groups(const Nf4View& w, int group, int apart, const std::int16_t* q, const float* words, float* y,
                         int y_stride) noexcept {
    const std::int64_t row_bytes = std::int64_t{w.blocks_per_row} * kBlockBytes, between = row_bytes * apart;
    const std::uint8_t* p = w.blocks + group * row_bytes;
    const int inputs = w.blocks_per_row * kBlockInputs;
    Floats total[C][R];
    for (int c = 0; c < C; ++c)
      for (int r = 0; r < R; ++r) total[c][r] = Simd::zero();
    for (int b = 0; b < w.blocks_per_row; ++b, p += kBlockBytes, q += kBlockInputs) {
      typename Simd::Nf4Sum sum[R][C];
      for (int r = 0; r < R; ++r)
        for (int c = 0; c < C; ++c) sum[r][c] = Simd::nf4_zero();
      for (int chunk = 0; chunk < 8; ++chunk)
        for (int r = 0; r < R; ++r) {
          Simd::prefetch(p + r * between + 64 * chunk + kPrefetchBytes);
          Simd::template nf4_add<Levels, C>(p + r * between + 64 * chunk, q + 8 * chunk, inputs, sum[r]);
        }
      for (int r = 0; r < R; ++r) {
        Simd::prefetch(p + r * between + 512 + kPrefetchBytes);
        const Floats absmax = Simd::load_bytes(p + r * between + 512);
        for (int c = 0; c < C; ++c) {
          const Floats scale = Simd::mul(absmax, Simd::set(words[(c * w.blocks_per_row + b) * kInputWords]));
          total[c][r] = Simd::fma(Simd::nf4_finish(sum[r][c]), scale, total[c][r]);
        }
      }
    }
    for (int c = 0; c < C; ++c)
      for (int r = 0; r < R; ++r) Simd::store(total[c][r], y + c * y_stride + (group + r * apart) * kGroupRows);
  }

  template <class Levels, int C, int R>
  static void nf4_columns(const Nf4View& w, int group, int apart, const std::int16_t* q, const float* words, int columns,
                          float* y, int y_stride) noexcept {
    const int inputs = w.blocks_per_row * kBlockInputs, apart_words = w.blocks_per_row * kInputWords;
    int c = 0;
    for (; c + C <= columns; c += C)  // the rows come from memory for the first columns and from the cache for others
      nf4_groups<Levels, C, R>(w, group, apart, q + c * inputs, words + c * apart_words, y + c * y_stride, y_stride);
    for (; c < columns; ++c)
      nf4_groups<Levels, 1, R>(w, group, apart, q + c * inputs, words + c * apart_words, y + c * y_stride, y_stride);
  }

  template <class Levels>
  static void nf4(const Nf4View& w, const std::int16_t* q, const float* words, int columns, float* y,
                  int y_stride) noexcept {
    constexpr int kWays = Simd::kWays;
    const int apart = w.groups / kWays;
    for (int g = 0; g < apart; ++g)
      nf4_columns<Levels, Simd::kColumns, kWays>(w, g, apart, q, words, columns, y, y_stride);
    for (int g = apart * kWays; g < w.groups; ++g)
      nf4_columns<Levels, Simd::kColumns, 1>(w, g, 1, q, words, columns, y, y_stride);
  }

  template <int C, int R>
  static void exact_groups(const Nf4View& w, int group, int apart, const float* x, float* y, int y_stride) noexcept {
    const std::int64_t row_bytes = std::int64_t{w.blocks_per_row} * kBlockBytes, between = row_bytes * apart;
    const std::uint8_t* p = w.blocks + group * row_bytes;
    const int inputs = w.blocks_per_row * kBlockInputs;
    Floats total[C][R];
    for (int c = 0; c < C; ++c)
      for (int r = 0; r < R; ++r) total[c][r] = Simd::zero();
    for (int b = 0; b < w.blocks_per_row; ++b, p += kBlockBytes, x += kBlockInputs) {
      Floats even[C][R], odd[C][R];
      for (int c = 0; c < C; ++c)
        for (int r = 0; r < R; ++r) even[c][r] = odd[c][r] = Simd::zero();
      for (int chunk = 0; chunk < 8; ++chunk)
        for (int r = 0; r < R; ++r) {
          Simd::prefetch(p + r * between + 64 * chunk + kPrefetchBytes);
          const typename Simd::Codes codes = Simd::load_codes(p + r * between + 64 * chunk);
          for (int n = 0; n < 8; n += 2) {
            const Floats first = Simd::level(codes, n), second = Simd::level(codes, n + 1);
            for (int c = 0; c < C; ++c) {
              const float* at = x + c * inputs + 8 * chunk;
              even[c][r] = Simd::fma(first, Simd::set(at[kNibbleInput[n]]), even[c][r]);
              odd[c][r] = Simd::fma(second, Simd::set(at[kNibbleInput[n + 1]]), odd[c][r]);
            }
          }
        }
      for (int r = 0; r < R; ++r) {
        const Floats absmax = Simd::load_bytes(p + r * between + 512);
        for (int c = 0; c < C; ++c)
          total[c][r] = Simd::fma(Simd::add(even[c][r], odd[c][r]), absmax, total[c][r]);
      }
    }
    for (int c = 0; c < C; ++c)
      for (int r = 0; r < R; ++r) Simd::store(total[c][r], y + c * y_stride + (group + r * apart) * kGroupRows);
  }

  static void nf4_exact(const Nf4View& w, const float* x, int columns, float* y, int y_stride) noexcept {
    constexpr int kWays = Simd::kWays;
    const int apart = w.groups / kWays, inputs = w.blocks_per_row * kBlockInputs;
    const auto run = [&](auto ways, int g, int between) {
      constexpr int kR = decltype(ways)::value;
      constexpr int kC = Simd::kColumns;
      int c = 0;
      for (; c + kC <= columns; c += kC)
        exact_groups<kC, kR>(w, g, between, x + c * inputs, y + c * y_stride, y_stride);
      for (; c < columns; ++c) exact_groups<1, kR>(w, g, between, x + c * inputs, y + c * y_stride, y_stride);
    };
    for (int g = 0; g < apart; ++g) run(Constant<kWays>{}, g, apart);
    for (int g = apart * kWays; g < w.groups; ++g) run(Constant<1>{}, g, 1);
  }

  static void dense(const DenseView& w, const float* x, int columns, float* y, int y_stride) noexcept {
    for (int g = 0; g < w.groups; ++g)
      for (int c = 0; c < columns; ++c) {
        const float *p = w.values + std::int64_t{g} * w.inputs * 16, *at = x + c * w.inputs;
        Floats sum[4] = {Simd::zero(), Simd::zero(), Simd::zero(), Simd::zero()};
        for (int k = 0; k < w.inputs; ++k) sum[k % 4] = Simd::fma(Simd::load(p + 16 * k), Simd::set(at[k]), sum[k % 4]);
        Simd::store(Simd::add(Simd::add(sum[0], sum[1]), Simd::add(sum[2], sum[3])), y + c * y_stride + 16 * g);
      }
  }

  template <int C>
  static void dots_of(const float* a, int rows, int n, const float* x, float* out) noexcept {
    for (int r = 0; r < rows; ++r, a += n) {
      Floats even[C], odd[C];
      for (int c = 0; c < C; ++c) even[c] = odd[c] = Simd::zero();
      int i = 0;
      for (; i + 32 <= n; i += 32) {
        const Floats first = Simd::load(a + i), second = Simd::load(a + i + 16);
        for (int c = 0; c < C; ++c) {
          even[c] = Simd::fma(first, Simd::load(x + c * n + i), even[c]);
          odd[c] = Simd::fma(second, Simd::load(x + c * n + i + 16), odd[c]);
        }
      }
      for (int c = 0; c < C; ++c) {
        if (i < n) even[c] = Simd::fma(Simd::load(a + i), Simd::load(x + c * n + i), even[c]);
        out[c * rows + r] = Simd::reduce_add(Simd::add(even[c], odd[c]));
      }
    }
  }

  static void dots(const float* a, int rows, int n, const float* x, int columns, float* out) noexcept {
    int c = 0;
    for (; c + 2 <= columns; c += 2) dots_of<2>(a, rows, n, x + c * n, out + c * rows);
    if (c < columns) dots_of<1>(a, rows, n, x + c * n, out + c * rows);
  }

  template <int C>
  static void add_rows_of(const float* b, int rows, int n, const float* t, float* y, int y_stride) noexcept {
    for (int i = 0; i < n; i += 16) {
      Floats sum[C];
      for (int c = 0; c < C; ++c) sum[c] = Simd::load(y + c * y_stride + i);
      for (int r = 0; r < rows; ++r) {
        const Floats row = Simd::load(b + r * n + i);
        for (int c = 0; c < C; ++c) sum[c] = Simd::fma(row, Simd::set(t[c * rows + r]), sum[c]);
      }
      for (int c = 0; c < C; ++c) Simd::store(sum[c], y + c * y_stride + i);
    }
  }

  static void add_rows(const float* b, int rows, int n, const float* t, int columns, float* y, int y_stride) noexcept {
    int c = 0;
    for (; c + 2 <= columns; c += 2) add_rows_of<2>(b, rows, n, t + c * rows, y + c * y_stride, y_stride);
    if (c < columns) add_rows_of<1>(b, rows, n, t + c * rows, y + c * y_stride, y_stride);
  }

  static float quantise(const float* x, int n, float peak_limit, float sum_limit, std::int16_t* q) noexcept {
    Floats biggest = Simd::zero(), all = Simd::zero();
    for (int i = 0; i < n; i += 16) {
      const Floats magnitude = Simd::abs(Simd::load(x + i));
      biggest = Simd::max(biggest, magnitude);
      all = Simd::add(all, magnitude);
    }
    const float peak = Simd::reduce_max(biggest), sum = Simd::reduce_add(all);
    float factor = peak > 0.0f ? peak_limit / peak : 0.0f;
    if (factor * sum > sum_limit) factor = sum_limit / sum;
    for (int i = 0; i < n; i += 16) Simd::store_int16(Simd::mul(Simd::load(x + i), Simd::set(factor)), q + i);
    return factor > 0.0f ? 1.0f / factor : 0.0f;
  }
};

}  // namespace
}  // namespace sideman
