#include "attention.h"

#include <algorithm>
#include <limits>

namespace sideman {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

/// Tables are small and read whole: 16 bits cost little, and 8 would be the largest error of the network.
Precision table_precision(Precision precision) {
  return precision == Precision::kExact ? Precision::kExact : Precision::kInt16;
}

}  // namespace

Scratch::Scratch(int longest, int head_dim, Arena& arena) {
  const auto n = std::size_t(round_up_16(longest));
  const auto dim = std::size_t(round_up_16(head_dim));
  query.x = arena.take<float>(2 * dim);
  query.q = arena.take<std::int16_t>(2 * dim);
  stride = static_cast<int>(n);
  logits = arena.take<float>(2 * n);
  relative = arena.take<float>(2 * n);
  by_id = arena.take<float>(n);
  mixed = arena.take<float>(dim);
  integers = arena.take<std::int16_t>(n);
}

RelativeTable::RelativeTable(const float* rows, int distances, int reach, int heads, int head_dim, Precision precision,
                             const Kernels& kernels, Arena& arena)
    : table_(heads, head_dim, round_up_16(distances), precision, false, arena),
      blocks_(round_up_16(distances) / 16),
      lead_(round_up_16(std::max(0, reach - distances)) + 16) {
  const int last = 16 * blocks_ - 1;
  for (int d = 0; d <= last; ++d)
    table_.write(kernels, last - d, rows + std::size_t(std::min(d, distances - 1)) * std::size_t(heads * head_dim), nullptr);
}

void RelativeTable::scores(const Kernels& kernels, int head, const Query& query, int streams, float* out,
                           int out_stride) const noexcept {
  table_.scores(kernels, head, 0, blocks_, query, out + lead_, 0, streams, out_stride);
  for (int stream = 0; stream < streams; ++stream, out += out_stride) {
    std::fill(out, out + lead_, out[lead_]);
    std::fill(out + newest() + 1, out + newest() + 17, 0.0f);
  }
}

BandRing::BandRing(int band, int keep, int streams, int heads, int head_dim, Precision precision, Arena& arena)
    : blocks_(round_up_16(band + keep + 16) / 16) {
  for (int stream = 0; stream < streams; ++stream)
    streams_.emplace_back(heads, head_dim, 16 * blocks_, precision, true, arena);
}

void BandRing::copy(const BandRing& other, std::int64_t first, std::int64_t last) noexcept {
  for (std::int64_t block = first / 16; 16 * block < last; ++block)
    for (std::size_t stream = 0; stream < streams_.size(); ++stream)
      streams_[stream].copy_block(other.streams_[std::min(stream, other.streams_.size() - 1)],
                                  static_cast<int>(block % other.blocks_), static_cast<int>(block % blocks_));
}

BandAttention::BandAttention(const float* relative, int distances, int band, int heads, int head_dim,
                             Precision precision, const Kernels& kernels, Arena& arena)
    : heads_(heads),
      head_dim_(head_dim),
      band_(band),
      relative_(relative, distances, band, heads, head_dim, precision, kernels, arena) {}

void BandAttention::attend(const Kernels& kernels, const BandRing& band, std::int64_t position, const float* queries,
                           int query_stride, Scratch& scratch, float* out) const noexcept {
  const int streams = band.streams(), ring_blocks = band.blocks();
  const std::int64_t first = std::max<std::int64_t>(0, position - band_ + 1), base = first / 16 * 16;
  const int before = static_cast<int>(first - base), newest = static_cast<int>(position - base);
  const int blocks = newest / 16 + 1, n = 16 * blocks;
  const int slot = static_cast<int>(base / 16 % ring_blocks), head_blocks = std::min(blocks, ring_blocks - slot);
  for (int head = 0; head < heads_; ++head) {
    for (int stream = 0; stream < streams; ++stream)
      band.of(0).prepare(kernels, queries + stream * query_stride + head * head_dim_, scratch.query, stream);
    relative_.scores(kernels, head, scratch.query, streams, scratch.relative, scratch.stride);
    for (int stream = 0; stream < streams; ++stream) {
      const KeyValues& ring = band.of(stream);
      float* logits = scratch.logits;
      ring.scores(kernels, head, slot, head_blocks, scratch.query, logits, stream);
      if (head_blocks < blocks)
        ring.scores(kernels, head, 0, blocks - head_blocks, scratch.query, logits + 16 * head_blocks, stream);
      kernels.add(scratch.relative + stream * scratch.stride + relative_.newest() - newest, n, logits);
      std::fill(logits, logits + before, kNever);
      std::fill(logits + newest + 1, logits + n, kNever);
      const float share = 1.0f / kernels.exp_sum(logits, n, kernels.max(logits, n));
      std::fill_n(scratch.mixed, ring.padded_dim(), 0.0f);
      ring.mix(kernels, head, 16 * slot, 16 * head_blocks, logits, scratch.integers, scratch.mixed);
      if (head_blocks < blocks)
        ring.mix(kernels, head, 0, 16 * (blocks - head_blocks), logits + 16 * head_blocks, scratch.integers,
                 scratch.mixed);
      float* to = out + (stream * heads_ + head) * head_dim_;
      for (int i = 0; i < head_dim_; ++i) to[i] = scratch.mixed[i] * share;
    }
  }
}

std::size_t BandAttention::bytes_per_token(const BandRing& ring) const noexcept {
  return std::size_t(ring.streams()) * ring.of(0).bytes_per_position() * std::size_t(band_) + relative_.bytes();
}

IdRing::IdRing(int context, int keep, int ids, Arena& arena) : padded_ids_(round_up_16(ids)) {
  std::size_t size = 1;
  while (size < std::size_t(context + keep + 1)) size *= 2;
  ids_ = arena.take<std::uint16_t>(size);
  mask_ = size - 1;
  far_ = arena.take<float>(std::size_t(padded_ids_));
}

void IdRing::copy(const IdRing& other, std::int64_t first, std::int64_t last) noexcept {
  for (std::int64_t at = first; at < last; ++at) set(at, other.at(at));
  std::copy_n(other.far_, padded_ids_, far_);
}

EncodeAttention::EncodeAttention(const float* relative, int distances, int context, int ids, int heads,
                                 int head_dim, Precision precision, const Kernels& kernels, Arena& arena)
    : heads_(heads),
      head_dim_(head_dim),
      distances_(distances),
      context_(context),
      padded_ids_(round_up_16(ids)),
      relative_(relative, distances, distances, heads, head_dim, precision, kernels, arena),
      table_(heads, head_dim, padded_ids_, table_precision(precision), true, arena) {}

void EncodeAttention::push(IdRing& ids, std::int64_t position, int id) const noexcept {
  ids.set(position, id);
  if (position >= distances_) ids.far(ids.at(position - distances_)) += 1.0f;
  if (position >= context_) ids.far(ids.at(position - context_)) -= 1.0f;
}

void EncodeAttention::pop(IdRing& ids, std::int64_t position) const noexcept {
  if (position >= distances_) ids.far(ids.at(position - distances_)) -= 1.0f;
  if (position >= context_) ids.far(ids.at(position - context_)) += 1.0f;
}

void EncodeAttention::attend(const Kernels& kernels, const IdRing& ids, std::int64_t position, const float* query,
                             Scratch& scratch, float* out) const noexcept {
  const float* far = ids.far();
  const int near = static_cast<int>(std::min<std::int64_t>(position + 1, distances_)), n = round_up_16(near);
  const std::int64_t first = position - near + 1;
  for (int head = 0; head < heads_; ++head) {
    float *logits = scratch.logits, *by_id = scratch.by_id;
    relative_.table().prepare(kernels, query + head * head_dim_, scratch.query);
    relative_.scores(kernels, head, scratch.query, 1, scratch.relative, 0);
    table_.prepare(kernels, query + head * head_dim_, scratch.query);
    table_.scores(kernels, head, 0, padded_ids_ / 16, scratch.query, by_id);

    const float* by_distance = scratch.relative + relative_.newest() - near + 1;
    for (int i = 0; i < near; ++i) logits[i] = by_id[ids.at(first + i)] + by_distance[i];
    std::fill(logits + near, logits + n, kNever);
    const float beyond = scratch.relative[0];
    for (int id = 0; id < padded_ids_; ++id) by_id[id] = far[id] > 0.0f ? by_id[id] + beyond : kNever;

    const float shift = std::max(kernels.max(logits, n), kernels.max(by_id, padded_ids_));
    const float sum_near = kernels.exp_sum(logits, n, shift);
    kernels.exp_sum(by_id, padded_ids_, shift);
    kernels.multiply(far, padded_ids_, by_id);
    const float sum = sum_near + kernels.sum(by_id, padded_ids_);
    for (int i = 0; i < near; ++i) by_id[ids.at(first + i)] += logits[i];  // an id weighs what its occurrences do

    std::fill_n(scratch.mixed, table_.padded_dim(), 0.0f);
    table_.mix(kernels, head, 0, padded_ids_, by_id, scratch.integers, scratch.mixed);
    for (int i = 0; i < head_dim_; ++i) out[head * head_dim_ + i] = scratch.mixed[i] / sum;
  }
}

std::size_t EncodeAttention::bytes_per_token() const noexcept {
  return relative_.bytes() + table_.bytes_per_position() * std::size_t(padded_ids_);
}

ChordAttention::ChordAttention(const float* relative, int rows, int in_view, int heads, int head_dim,
                               Precision precision, const Kernels& kernels, Arena& arena)
    : heads_(heads),
      head_dim_(head_dim),
      row_blocks_(round_up_16(rows) / 16),
      relative_(heads, head_dim, round_up_16(rows), table_precision(precision), false, arena),
      view_(heads, head_dim, round_up_16(in_view), table_precision(precision), true, arena) {
  for (int row = 0; row < rows; ++row)
    relative_.write(kernels, row, relative + std::size_t(row) * std::size_t(heads * head_dim), nullptr);
}

void ChordAttention::attend(const Kernels& kernels, const ChordSlots& slots, const std::int64_t* rows, int count,
                            const float* query, Scratch& scratch, float* out) const noexcept {
  const int n = round_up_16(count), slots_used = round_up_16(slots.used);
  const std::int16_t* slot = slots.slot.data();
  for (int head = 0; head < heads_; ++head) {
    float *logits = scratch.logits, *by_slot = scratch.by_id;
    view_.prepare(kernels, query + head * head_dim_, scratch.query);
    view_.scores(kernels, head, 0, slots_used / 16, scratch.query, by_slot);
    relative_.scores(kernels, head, 0, row_blocks_, scratch.query, scratch.relative);
    for (int i = 0; i < count; ++i) logits[i] = by_slot[slot[i]] + scratch.relative[rows[i]];
    std::fill(logits + count, logits + n, kNever);
    const float share = 1.0f / kernels.exp_sum(logits, n, kernels.max(logits, n));
    std::fill_n(by_slot, slots_used, 0.0f);
    for (int i = 0; i < count; ++i) by_slot[slot[i]] += logits[i];  // a chord weighs what its places do
    std::fill_n(scratch.mixed, view_.padded_dim(), 0.0f);
    view_.mix(kernels, head, 0, slots_used, by_slot, scratch.integers, scratch.mixed);
    for (int i = 0; i < head_dim_; ++i) out[head * head_dim_ + i] = scratch.mixed[i] * share;
  }
}

}  // namespace sideman
