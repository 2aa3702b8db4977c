#include "linear.h"

#include <cstring>

namespace sideman {
namespace {

/// bitsandbytes' order (rows end to end, first weight in the high nibble) -> kernels.h's blocks.
void repack(const Tensor& tensor, std::uint8_t* blocks) {
  const auto* codes = static_cast<const std::uint8_t*>(tensor.data);
  const int blocks_per_row = tensor.columns / kBlockInputs;
  for (int row = 0; row < tensor.rows; ++row) {
    const std::uint8_t* from = codes + std::size_t(row) * std::size_t(tensor.columns) / 2;
    const float* absmax = tensor.absmax + std::size_t(row) * std::size_t(blocks_per_row);
    const int lane = row % kGroupRows;
    std::uint8_t* block = blocks + std::size_t(row / kGroupRows) * std::size_t(blocks_per_row) * kBlockBytes;
    for (int b = 0; b < blocks_per_row; ++b, block += kBlockBytes) {
      for (int chunk = 0; chunk < 8; ++chunk, from += 4) {
        std::uint8_t code[8];
        for (int i = 0; i < 4; ++i) {
          code[2 * i] = static_cast<std::uint8_t>(from[i] >> 4);
          code[2 * i + 1] = static_cast<std::uint8_t>(from[i] & 15);
        }
        std::uint8_t* to = block + 64 * chunk + 4 * lane;
        for (int n = 0; n < 8; n += 2)
          to[n / 2] = static_cast<std::uint8_t>(code[kNibbleInput[n]] | code[kNibbleInput[n + 1]] << 4);
      }
      std::memcpy(block + 512 + 4 * lane, absmax + b, sizeof(float));
    }
  }
}

void interleave(const Tensor& tensor, float* values) {
  const auto* from = static_cast<const float*>(tensor.data);
  for (int row = 0; row < tensor.rows; ++row)
    for (int k = 0; k < tensor.columns; ++k)
      values[(std::size_t(row / kGroupRows) * std::size_t(tensor.columns) + std::size_t(k)) * kGroupRows +
             std::size_t(row % kGroupRows)] = *from++;
}

}  // namespace

Linear::Linear(const Tensor& tensor, bool byte_levels, Arena& arena)
    : rows_(tensor.rows),
      columns_(tensor.columns),
      is_nf4_(tensor.kind == Tensor::Kind::kNf4),
      byte_levels_(byte_levels) {
  const int groups = rows_ / kGroupRows;
  if (is_nf4_) {
    const int blocks_per_row = columns_ / kBlockInputs;
    auto* blocks = arena.take<std::uint8_t>(std::size_t(groups) * std::size_t(blocks_per_row) * kBlockBytes);
    repack(tensor, blocks);
    nf4_ = {blocks, groups, blocks_per_row};
  } else {
    auto* values = arena.take<float>(std::size_t(rows_) * std::size_t(columns_));
    interleave(tensor, values);
    dense_ = {values, groups, columns_};
  }
}

void Linear::apply(const Kernels& kernels, bool exact, const Rows& in, const float* weights, float* y, int y_stride,
                   float* scratch) const noexcept {
  if (!is_nf4_)
    kernels.dense(dense_, in.x, in.count, y, y_stride);
  else if (exact)
    kernels.nf4_exact(nf4_, in.x, in.count, y, y_stride);
  else
    product(kernels).multiply(nf4_, in.q, in.words, in.count, y, y_stride);
  for (int slot = 0; slot < Decoder::kStyles; ++slot) {
    const AdapterSlot& adapter = adapters[slot];
    if (adapter.rank == 0 || weights[slot] == 0.0f) continue;
    kernels.dots(adapter.a, adapter.rank, columns_, in.x, in.count, scratch);
    for (int r = 0; r < adapter.rank * in.count; ++r) scratch[r] *= weights[slot];
    kernels.add_rows(adapter.b, adapter.rank, rows_, scratch, in.count, y, y_stride);
  }
}

std::size_t Linear::bytes() const noexcept {
  const auto weights = std::size_t(rows_) * std::size_t(columns_);
  return is_nf4_ ? weights / kBlockInputs * (kBlockBytes / kGroupRows) : weights * sizeof(float);
}

}  // namespace sideman
