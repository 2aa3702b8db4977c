#pragma once

#include <vector>

#include "key_values.h"

namespace sideman {

/// What one attention needs while it runs; shared by all of a decoder.
struct Scratch {
  Scratch() = default;
  Scratch(int longest, int head_dim, Arena& arena);

  Query query;
  int stride = 0;  // between the streams' numbers in the next two
  float* logits = nullptr;
  float* relative = nullptr;
  float* by_id = nullptr;
  float* mixed = nullptr;
  std::int16_t* integers = nullptr;
};

/// Learned relative positions: one row a distance, the farthest shared by all beyond.
class RelativeTable {
 public:
  RelativeTable() = default;
  /// rows: (distances, heads * head_dim). reach: the largest distance asked for, plus one.
  RelativeTable(const float* rows, int distances, int reach, int heads, int head_dim, Precision precision,
                const Kernels& kernels, Arena& arena);

  /// q . embedding by distance, for each stream: afterwards distance d stands at out[newest() - d], for d in -15 .. reach + 15 (before
  /// the present stands nothing of use).
  void scores(const Kernels& kernels, int head, const Query& query, int streams, float* out,
              int out_stride) const noexcept;
  int newest() const noexcept { return lead_ + 16 * blocks_ - 1; }
  int length() const noexcept { return newest() + 17; }
  std::size_t bytes() const noexcept { return table_.bytes_per_position() * 16 * std::size_t(blocks_); }

  const KeyValues& table() const noexcept { return table_; }

 private:
  KeyValues table_;  // oldest first, so that scores of ascending positions are added as they lie
  int blocks_ = 0;
  int lead_ = 0;
};

/// Latents attend to those in their band, through a ring of keys and values.
class BandAttention {
 public:
  BandAttention() = default;
  BandAttention(const float* relative, int distances, int band, int keep, int streams, int heads, int head_dim,
                Precision precision, const Kernels& kernels, Arena& arena);

  void store(const Kernels& kernels, int stream, std::int64_t position, const float* key, const float* value) noexcept;

  /// out (streams, heads * head_dim) = attention of the streams' scaled queries at `position`, whose keys are stored. All
  /// streams at once: they share the relative embeddings.
  void attend(const Kernels& kernels, std::int64_t position, const float* queries, int query_stride, Scratch& scratch,
              float* out) const noexcept;

  static int capacity(int band, int keep) { return round_up_16(band + keep + 16); }
  std::size_t bytes_per_token() const noexcept;

 private:
  int heads_ = 0;
  int head_dim_ = 0;
  int band_ = 0;
  int blocks_ = 0;  // of the ring
  RelativeTable relative_;
  std::vector<KeyValues> rings_;  // by stream
};

/// Latents attend to the last `context` ids through tables over the ids. Ids at least as far as the last learned
/// distance all score alike, so it is enough to count them.
class EncodeAttention {
 public:
  EncodeAttention() = default;
  EncodeAttention(const float* relative, int distances, int context, int keep, int ids, int heads, int head_dim,
                  Precision precision, const Kernels& kernels, Arena& arena);

  /// Keys and values of an id.
  void set_id(const Kernels& kernels, int id, const float* key, const float* value) noexcept {
    table_.write(kernels, id, key, value);
  }
  void push(std::int64_t position, int id) noexcept;
  void pop(std::int64_t position) noexcept;  // takes back the push of the newest position
  void attend(const Kernels& kernels, std::int64_t position, const float* query, Scratch& scratch,
              float* out) const noexcept;

  std::size_t bytes_per_token() const noexcept;

 private:
  int id_at(std::int64_t position) const noexcept { return ids_[std::size_t(position) & mask_]; }

  int heads_ = 0;
  int head_dim_ = 0;
  int distances_ = 0;
  int context_ = 0;
  int padded_ids_ = 0;
  RelativeTable relative_;
  KeyValues table_;
  std::uint16_t* ids_ = nullptr;  // ring
  std::size_t mask_ = 0;
  float* far_ = nullptr;  // by id: how often it stands in the context beyond `distances`
};

/// Where the chords in view stand: each in a slot of its own, however often it comes back.
struct ChordSlots {
  std::vector<std::int16_t> column;  // by slot: the chord, counted from NO_CHORD
  std::vector<std::int16_t> slot;    // by place in the view
  int used = 0;                      // slots
};

/// Latents attend to the chords in view. A chart goes through few chords again and again: each has one key and value
/// however often it stands there, and what stands where it stood is not laid out again.
class ChordAttention {
 public:
  ChordAttention() = default;
  ChordAttention(const float* relative, int rows, int in_view, int heads, int head_dim, Precision precision,
                 const Kernels& kernels, Arena& arena);

  void set_chord(const Kernels& kernels, int slot, const float* key, const float* value) noexcept {
    view_.write(kernels, slot, key, value);
  }
  /// rows: the chords' relative indices, one a place of the view.
  void attend(const Kernels& kernels, const ChordSlots& slots, const std::int64_t* rows, int count, const float* query,
              Scratch& scratch, float* out) const noexcept;

 private:
  int heads_ = 0;
  int head_dim_ = 0;
  int row_blocks_ = 0;
  KeyValues relative_;
  KeyValues view_;
};

}  // namespace sideman
