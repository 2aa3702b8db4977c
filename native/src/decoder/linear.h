#pragma once

#include <string>

#include "arena.h"
#include "kernels/kernels.h"
#include "sideman/decoder.h"

namespace sideman {

/// Inputs of a matrix: `count` rows of `width` floats, and their integers (kernels.h) where the matrix wants those.
struct Rows {
  float* x = nullptr;
  std::int16_t* q = nullptr;
  float* words = nullptr;
  int count = 0;
  int width = 0;
};

/// The adapters of one matrix, by style slot, and how much of each acts now.
struct AdapterSlot {
  const float* a = nullptr;  // (rank, columns)
  const float* b = nullptr;  // (rank, rows): transposed, and scaled
  int rank = 0;
};

/// A linear layer without bias: NF4 or fp32 rows, plus adapters.
class Linear {
 public:
  Linear() = default;

  /// Lays the tensor out for the kernels. Rows are a multiple of 16. byte_levels: those of an integer product.
  Linear(const Tensor& tensor, bool byte_levels, Arena& arena);

  /// y[i * y_stride ...] = W x_i for every row of the input. `weights`: of the styles. scratch: kMaxRank floats a row.
  void apply(const Kernels& kernels, bool exact, const Rows& in, const float* weights, float* y, int y_stride,
             float* scratch) const noexcept;

  int rows() const noexcept { return rows_; }
  int columns() const noexcept { return columns_; }
  bool wants_integers(bool exact) const noexcept { return is_nf4_ && !exact; }
  const IntegerProduct& product(const Kernels& kernels) const noexcept {
    return byte_levels_ ? kernels.bytes : kernels.fine;
  }
  std::size_t bytes() const noexcept;

  AdapterSlot adapters[Decoder::kStyles];

 private:
  int rows_ = 0;
  int columns_ = 0;
  bool is_nf4_ = false;
  bool byte_levels_ = false;
  Nf4View nf4_{};
  DenseView dense_{};
};

}  // namespace sideman
