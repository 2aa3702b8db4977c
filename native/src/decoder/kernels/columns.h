#pragma once

#include "kernels.h"

// Which columns and row groups of a product of bytes go together. impl.h says why nothing in it may be shared between object
// files.

namespace sideman {
namespace {

/// Product::groups<C, R>() multiplies C columns by R row groups that lie apart from each other: as many streams from memory.
template <class Product>
struct Columns {
  /// `C` columns times all row groups, R of them at once.
  template <int C, int R>
  static void all_groups(const Nf4View& w, const std::int8_t* q, const float* words, float* y, int y_stride) noexcept {
    const int apart = w.groups / R;
    for (int g = 0; g < apart; ++g) Product::template groups<C, R>(w, g, apart, q, words, y, y_stride);
    for (int g = apart * R; g < w.groups; ++g) Product::template groups<C, 1>(w, g, 1, q, words, y, y_stride);
  }

  /// Four columns share a look-up and have enough to compute while their rows come; fewer want several streams from memory,
  /// as many as there are registers for sums.
  static void multiply(const Nf4View& w, const std::int16_t* inputs, const float* words, int columns, float* y,
                       int y_stride) noexcept {
    const auto* q = reinterpret_cast<const std::int8_t*>(inputs);
    const int width = w.blocks_per_row * kBlockInputs, next_words = w.blocks_per_row * kInputWords;
    const auto some = [&](auto multiply_some, int c) {
      multiply_some(w, q + c * width, words + c * next_words, y + c * y_stride, y_stride);
    };
    int c = 0;
    for (; c + 4 <= columns; c += 4) some(all_groups<4, 1>, c);
    for (; c + 2 <= columns; c += 2) some(all_groups<2, 2>, c);
    if (c < columns) some(all_groups<1, 4>, c);
  }
};

}  // namespace
}  // namespace sideman
