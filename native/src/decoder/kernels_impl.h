#pragma once

#include <math.h>

#include "kernels.h"

// The kernels, written once over 16 lanes; Simd (simd_*.h) says what 16 lanes are. Every includer does so inside an
// unnamed namespace with its own Simd and its own compiler flags, so nothing here may be shared between object files:
// no standard library but C functions.

namespace sideman {
namespace {

constexpr int kPrefetchBytes = 640;  // about a block ahead: weights stream in from memory once a token

template <class Simd>
struct Impl {
  using Floats = typename Simd::Floats;
  using Ints = typename Simd::Ints;

  template <class Levels>
  static void quantise_inputs(const float* x, int n, std::int16_t* q, float* words) noexcept {
    for (int b = 0; b < n / kBlockInputs; ++b, x += kBlockInputs, q += kBlockInputs, words += kInputWords) {
      Floats biggest = Simd::abs(Simd::load(x));
      for (int i = 16; i < kBlockInputs; i += 16) biggest = Simd::max(biggest, Simd::abs(Simd::load(x + i)));
      const float peak = Simd::reduce_max(biggest);
      const Floats factor = Simd::set(peak > 0.0f ? static_cast<float>(kInputLimit) / peak : 0.0f);
      for (int i = 0; i < kBlockInputs; i += 16) Simd::store_inputs(Simd::mul(Simd::load(x + i), factor), q + i);
      words[0] = peak / (static_cast<float>(kInputLimit) * Levels::kScale);
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

  /// N blocks and C queries at once: as many independent sums.
  template <int N, int C, class T>
  static void score_blocks(const T* keys, const float* key_scales, int dim, const std::int16_t* q,
                           const float* q_scales, float* out, int out_stride) noexcept {
    Ints sum[N][C];
    for (int n = 0; n < N; ++n)
      for (int c = 0; c < C; ++c) sum[n][c] = Simd::zero_ints();
    for (int i = 0; i < dim; i += 2)
      for (int n = 0; n < N; ++n) {
        const T* at = keys + n * dim * 16 + i * 16;
        Simd::prefetch(at + N * dim * 16);
        const auto pairs = Simd::load_pairs(at);
        for (int c = 0; c < C; ++c) sum[n][c] = Simd::madd(sum[n][c], pairs, Simd::set_pair(q + c * dim + i));
      }
    for (int n = 0; n < N; ++n)
      for (int c = 0; c < C; ++c) {
        const Floats scale = Simd::mul(Simd::load(key_scales + 16 * n), Simd::set(q_scales[c]));
        Simd::store(Simd::mul(Simd::to_floats(sum[n][c]), scale), out + c * out_stride + 16 * n);
      }
  }

  template <int C, class T>
  static void scores_of(const T* keys, const float* key_scales, int blocks, int dim, const std::int16_t* q,
                        const float* q_scales, float* out, int out_stride) noexcept {
    constexpr int kBlocks = 4 / C;
    int b = 0;
    for (; b + kBlocks <= blocks; b += kBlocks)
      score_blocks<kBlocks, C>(keys + b * dim * 16, key_scales + 16 * b, dim, q, q_scales, out + 16 * b, out_stride);
    for (; b < blocks; ++b)
      score_blocks<1, C>(keys + b * dim * 16, key_scales + 16 * b, dim, q, q_scales, out + 16 * b, out_stride);
  }

  template <class T>
  static void scores(const T* keys, const float* key_scales, int blocks, int dim, const std::int16_t* q,
                     const float* q_scales, int columns, float* out, int out_stride) noexcept {
    if (columns == 2)
      scores_of<2>(keys, key_scales, blocks, dim, q, q_scales, out, out_stride);
    else
      scores_of<1>(keys, key_scales, blocks, dim, q, q_scales, out, out_stride);
  }

  static void scores_f32(const float* keys, int blocks, int dim, const float* q, int columns, float* out,
                         int out_stride) noexcept {
    if (columns == 2) scores_f32(keys, blocks, dim, q + dim, 1, out + out_stride, 0);
    for (int b = 0; b < blocks; ++b, keys += dim * 16) {
      Floats even = Simd::zero(), odd = Simd::zero();
      for (int i = 0; i < dim; i += 2) {
        Simd::prefetch(keys + (i + dim) * 16);
        Simd::prefetch(keys + (i + dim) * 16 + 16);
        even = Simd::fma(Simd::load(keys + i * 16), Simd::set(q[i]), even);
        odd = Simd::fma(Simd::load(keys + i * 16 + 16), Simd::set(q[i + 1]), odd);
      }
      Simd::store(Simd::add(even, odd), out + 16 * b);
    }
  }

  template <int N, class T>
  static void mix_lanes(const T* values, int pairs, int dim, const std::int16_t* w, float scale, float* out) noexcept {
    Ints sum[N];
    for (int n = 0; n < N; ++n) sum[n] = Simd::zero_ints();
    for (int p = 0; p < pairs; ++p, values += 2 * dim) {
      const auto weight = Simd::set_pair(w + 2 * p);
      Simd::prefetch(values + 16 * dim);
      for (int n = 0; n < N; ++n) sum[n] = Simd::madd(sum[n], Simd::load_pairs(values + 32 * n), weight);
    }
    for (int n = 0; n < N; ++n)
      Simd::store(Simd::fma(Simd::to_floats(sum[n]), Simd::set(scale), Simd::load(out + 16 * n)), out + 16 * n);
  }

  template <class T>
  static void mix(const T* values, int positions, int dim, const std::int16_t* w, float scale, float* out) noexcept {
    const int pairs = positions / 2;
    int i = 0;
    for (; i + 64 <= dim; i += 64) mix_lanes<4>(values + 2 * i, pairs, dim, w, scale, out + i);
    for (; i + 16 <= dim; i += 16) mix_lanes<1>(values + 2 * i, pairs, dim, w, scale, out + i);
  }

  static void mix_f32(const float* values, int positions, int dim, const float* w, float* out) noexcept {
    for (int i = 0; i < dim; i += 16) {
      Floats even = Simd::zero(), odd = Simd::zero();
      for (int p = 0; p < positions; p += 2) {
        even = Simd::fma(Simd::load(values + p * dim + i), Simd::set(w[p]), even);
        odd = Simd::fma(Simd::load(values + (p + 1) * dim + i), Simd::set(w[p + 1]), odd);
      }
      Simd::store(Simd::add(Simd::load(out + i), Simd::add(even, odd)), out + i);
    }
  }

  static float max(const float* x, int n) noexcept {
    Floats biggest = Simd::load(x);
    for (int i = 16; i < n; i += 16) biggest = Simd::max(biggest, Simd::load(x + i));
    return Simd::reduce_max(biggest);
  }

  static float sum(const float* x, int n) noexcept {
    Floats all = Simd::load(x);
    for (int i = 16; i < n; i += 16) all = Simd::add(all, Simd::load(x + i));
    return Simd::reduce_add(all);
  }

  /// Cody and Waite's reduction, then Cephes' polynomial: within 2 units in the last place.
  static Floats exp(Floats x) noexcept {
    const Floats n = Simd::round(Simd::mul(x, Simd::set(1.44269504f)));
    Floats r = Simd::fma(n, Simd::set(-0.693359375f), x);
    r = Simd::fma(n, Simd::set(2.12194440e-4f), r);
    Floats p = Simd::set(1.9875691500e-4f);
    for (const float coefficient : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
      p = Simd::fma(p, r, Simd::set(coefficient));
    p = Simd::fma(p, Simd::mul(r, r), Simd::add(r, Simd::set(1.0f)));
    return Simd::times_power_of_two(p, n);
  }

  static float exp_sum(float* x, int n, float shift) noexcept {
    const Floats by = Simd::set(shift), lowest = Simd::set(-87.0f);
    Floats sum = Simd::zero();
    for (int i = 0; i < n; i += 16) {
      const Floats at = Simd::sub(Simd::load(x + i), by);
      const Floats e = Simd::zero_below(exp(Simd::max(at, lowest)), at, lowest);
      sum = Simd::add(sum, e);
      Simd::store(e, x + i);
    }
    return Simd::reduce_add(sum);
  }

  static void add(const float* x, int n, float* y) noexcept {
    for (int i = 0; i < n; i += 16) Simd::store(Simd::add(Simd::load(y + i), Simd::load(x + i)), y + i);
  }

  static void multiply(const float* x, int n, float* y) noexcept {
    for (int i = 0; i < n; i += 16) Simd::store(Simd::mul(Simd::load(y + i), Simd::load(x + i)), y + i);
  }

  static void squared_relu(float* x, int n) noexcept {
    for (int i = 0; i < n; i += 16) {
      const Floats positive = Simd::max(Simd::load(x + i), Simd::zero());
      Simd::store(Simd::mul(positive, positive), x + i);
    }
  }

  static void layer_norm(const float* x, const float* weight, const float* bias, int n, float* y) noexcept {
    const float share = 1.0f / static_cast<float>(n);
    Floats sum = Simd::zero(), squares = Simd::zero();
    for (int i = 0; i < n; i += 16) sum = Simd::add(sum, Simd::load(x + i));
    const Floats mean = Simd::set(Simd::reduce_add(sum) * share);
    for (int i = 0; i < n; i += 16) {
      const Floats centred = Simd::sub(Simd::load(x + i), mean);
      squares = Simd::fma(centred, centred, squares);
    }
    const Floats factor = Simd::set(1.0f / sqrtf(Simd::reduce_add(squares) * share + 1e-5f));  // torch's epsilon
    for (int i = 0; i < n; i += 16) {
      const Floats normed = Simd::mul(Simd::sub(Simd::load(x + i), mean), factor);
      Simd::store(Simd::fma(normed, Simd::load(weight + i), Simd::load(bias + i)), y + i);
    }
  }

  template <int N>
  struct Constant {
    static constexpr int value = N;
  };

  static constexpr Kernels table(const char* name) {
    return {name, {quantise_inputs<FineLevels>, nf4<FineLevels>}, {quantise_inputs<ByteLevels>, nf4<ByteLevels>}, nf4_exact,
            dense, dots, add_rows, quantise, scores<std::int8_t>,
            scores<std::int16_t>, scores_f32, mix<std::int8_t>, mix<std::int16_t>, mix_f32, max, sum, exp_sum, add, multiply,
            squared_relu, layer_norm};
  }
};

}  // namespace
}  // namespace sideman
