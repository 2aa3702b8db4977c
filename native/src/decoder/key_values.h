#pragma once

#include "arena.h"
#include "kernels/kernels.h"
#include "sideman/decoder.h"

namespace sideman {

constexpr int round_up_16(int n) { return (n + 15) / 16 * 16; }

/// A query of one head for each of up to two streams, padded to whole vectors: padded_dim apart.
struct Query {
  float* x = nullptr;
  std::int16_t* q = nullptr;
  float scales[2] = {};
};

/// Keys and values of positions, head by head, in the layout of kernels.h: a table, or a ring that its owner indexes.
/// Thread: one at a time. Realtime-safe: all but construction.
class KeyValues {
 public:
  static constexpr int kMaxHeadDim = 512;

  KeyValues() = default;
  /// `positions` is a multiple of 16. with_values: false for relative embeddings, which are keys alone.
  KeyValues(int heads, int head_dim, int positions, Precision precision, bool with_values, Arena& arena);

  /// Stores the key and value of a position: heads * head_dim floats each.
  void write(const Kernels& kernels, int position, const float* key, const float* value) noexcept;

  /// Readies a stream's query of one head: head_dim floats -> whole vectors and, where wanted, integers.
  void prepare(const Kernels& kernels, const float* x, Query& query, int stream = 0) const noexcept;

  /// out[0 .. 16 * blocks) = query . keys of the positions from 16 * first_block on, of `streams` streams from the
  /// first, out_stride apart.
  void scores(const Kernels& kernels, int head, int first_block, int blocks, const Query& query, float* out,
              int first_stream = 0, int streams = 1, int out_stride = 0) const noexcept;

  /// out += sum of weights[i] * value of position first + i, `count` of them; both are multiples of 16. scratch: as
  /// many integers. Spoils the weights.
  void mix(const Kernels& kernels, int head, int first, int count, float* weights, std::int16_t* scratch,
           float* out) const noexcept;

  /// Takes over 16 positions of another table of the same shape but any length.
  void copy_block(const KeyValues& other, int from, int to) noexcept;

  int head_dim() const noexcept { return head_dim_; }
  int padded_dim() const noexcept { return padded_dim_; }
  /// Bytes of a key (and value) of all heads.
  std::size_t bytes_per_position() const noexcept;

 private:
  std::size_t row(int head, int position) const noexcept {
    return std::size_t(head) * std::size_t(positions_) + std::size_t(position);
  }
  template <class T>
  void write_integers(const Kernels& kernels, T* keys, T* values, int position, int head, const float* key,
                      const float* value, float limit) noexcept;

  int heads_ = 0;
  int head_dim_ = 0;
  int padded_dim_ = 0;
  int positions_ = 0;
  Precision precision_ = Precision::kExact;
  void* keys_ = nullptr;
  void* values_ = nullptr;
  float* key_scales_ = nullptr;    // (heads, positions)
  float* value_scales_ = nullptr;
};

}  // namespace sideman
