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

/// The keys and values of the latents that a band and its rollback reach, by position.
class BandRing {
 public:
  BandRing(int band, int keep, int streams, int heads, int head_dim, Precision precision, Arena& arena);

  void store(const Kernels& kernels, int stream, std::int64_t position, const float* key, const float* value) noexcept {
    streams_[std::size_t(stream)].write(kernels, static_cast<int>(position % (16 * blocks_)), key, value);
  }

  /// Takes over what another ring, of any length, holds of positions first .. last - 1. Both have room for them. A stream
  /// that the other lacks becomes what its first is.
  void copy(const BandRing& other, std::int64_t first, std::int64_t last) noexcept;

  int streams() const noexcept { return static_cast<int>(streams_.size()); }
  int blocks() const noexcept { return blocks_; }
  const KeyValues& of(int stream) const noexcept { return streams_[std::size_t(stream)]; }

 private:
  int blocks_ = 0;
  std::vector<KeyValues> streams_;
};

/// Latents attend to those in their band, through a ring of keys and values.
class BandAttention {
 public:
  BandAttention() = default;
  BandAttention(const float* relative, int distances, int band, int heads, int head_dim, Precision precision,
                const Kernels& kernels, Arena& arena);

  /// out (streams, heads * head_dim) = attention of the streams' scaled queries at `position`, whose keys are stored. All
  /// streams at once: they share the relative embeddings.
  void attend(const Kernels& kernels, const BandRing& ring, std::int64_t position, const float* queries,
              int query_stride, Scratch& scratch, float* out) const noexcept;

  std::size_t bytes_per_token(const BandRing& ring) const noexcept;

 private:
  int heads_ = 0;
  int head_dim_ = 0;
  int band_ = 0;
  RelativeTable relative_;
};

/// The ids of a stream, and how often each of them stands where all distances score alike.
class IdRing {
 public:
  IdRing(int context, int keep, int ids, Arena& arena);

  /// Takes over what another ring, of any length, holds of positions first .. last - 1, and its counts.
  void copy(const IdRing& other, std::int64_t first, std::int64_t last) noexcept;

  void set(std::int64_t position, int id) noexcept { ids_[std::size_t(position) & mask_] = static_cast<std::uint16_t>(id); }
  int at(std::int64_t position) const noexcept { return ids_[std::size_t(position) & mask_]; }
  float& far(int id) noexcept { return far_[id]; }
  const float* far() const noexcept { return far_; }

 private:
  int padded_ids_ = 0;
  std::uint16_t* ids_ = nullptr;
  std::size_t mask_ = 0;
  float* far_ = nullptr;  // by id: how often it stands in the context beyond the learned distances
};

/// Latents attend to the last `context` ids through tables over the ids. Ids at least as far as the last learned
/// distance all score alike, so it is enough to count them.
class EncodeAttention {
 public:
  EncodeAttention() = default;
  EncodeAttention(const float* relative, int distances, int context, int ids, int heads, int head_dim,
                  Precision precision, const Kernels& kernels, Arena& arena);

  /// Keys and values of an id.
  void set_id(const Kernels& kernels, int id, const float* key, const float* value) noexcept {
    table_.write(kernels, id, key, value);
  }
  void push(IdRing& ids, std::int64_t position, int id) const noexcept;
  void pop(IdRing& ids, std::int64_t position) const noexcept;  // takes back the push of the newest position
  void attend(const Kernels& kernels, const IdRing& ids, std::int64_t position, const float* query, Scratch& scratch,
              float* out) const noexcept;

  std::size_t bytes_per_token() const noexcept;

 private:
  int heads_ = 0;
  int head_dim_ = 0;
  int distances_ = 0;
  int context_ = 0;
  int padded_ids_ = 0;
  RelativeTable relative_;
  KeyValues table_;
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
