#include <algorithm>

#include "decoder_state.h"

namespace sideman {

void Decoder::State::chord_stage(Block& block, const DecoderInput* inputs, int count) {
  const auto layer = static_cast<std::size_t>(&block - net.blocks.data());
  for (int t = 0; t < count; ++t)
    kernels.layer_norm(x + t * streams * dim, block.chord_norm.weight, block.chord_norm.bias, dim, h + t * dim);
  apply(block.chord.q, rows(block.chord.q, h, count, dim), q);
  scale_queries(q, count);
  for (int t = 0; t < count; ++t) {
    set_view(block, slots_of[t], view_of[t]);
    float* row = attended + t * streams * dim;
    block.chords.attend(kernels, slots_of[t], inputs[t].chord_rows, inputs[t].num_chords, q + t * dim, scratch, row);
    // Without chords the memory is NO_CHORD alone, so attention returns its value whatever the query.
    if (streams == 2) std::copy_n(chord_row(layer, 0, 1), dim, row + dim);
  }
  const int n = count * streams;
  apply(block.chord.out, rows(block.chord.out, attended, n, dim), y);
  kernels.add(y, n * dim, x);
}

/// Makes sure of the keys and values of every chord in view, and numbers the views.
void Decoder::State::see_chords(const DecoderInput* inputs, int count) {
  int missing[2 * kRows], num_missing = 0;
  const auto see = [&](int column) {
    if (chord_stamp[column] == stamp) return;
    chord_stamp[column] = stamp;
    missing[num_missing++] = column;
    if (num_missing == kRows) {
      compute_chords(missing, num_missing);
      num_missing = 0;
    }
  };
  see(0);
  for (int t = 0; t < count; ++t) {
    const DecoderInput& in = inputs[t];
    for (int i = 0; i < in.num_chords; ++i) see(static_cast<int>(in.chord_ids[i]) - config.first_chord);
    if (in.num_chords != num_viewed || !std::equal(in.chord_ids, in.chord_ids + in.num_chords, viewed.begin())) {
      std::copy_n(in.chord_ids, in.num_chords, viewed.begin());
      num_viewed = in.num_chords;
      ++view;
      place_chords(in, newest_slots);
    }
    view_of[t] = view;
    ChordSlots& slots = slots_of[t];
    slots.used = newest_slots.used;
    std::copy_n(newest_slots.column.begin(), slots.used, slots.column.begin());
    std::copy_n(newest_slots.slot.begin(), num_viewed, slots.slot.begin());
  }
  if (num_missing > 0) compute_chords(missing, num_missing);
}

/// By id, so that slots depend on the view alone and not on how it came about: taking tokens back must be exact.
void Decoder::State::place_chords(const DecoderInput& input, ChordSlots& slots) {
  const auto column = [&](int i) { return static_cast<std::int16_t>(input.chord_ids[i] - config.first_chord); };
  for (int i = 0; i < input.num_chords; ++i) slot_of_chord[std::size_t(column(i))] = -1;
  slots.used = 0;
  for (int i = 0; i < input.num_chords; ++i) {
    std::int16_t& slot = slot_of_chord[std::size_t(column(i))];
    if (slot < 0) slots.column[std::size_t(slots.used++)] = column(i);
    slot = 0;
  }
  std::sort(slots.column.begin(), slots.column.begin() + slots.used);
  for (int slot = 0; slot < slots.used; ++slot)
    slot_of_chord[std::size_t(slots.column[std::size_t(slot)])] = static_cast<std::int16_t>(slot);
  for (int i = 0; i < input.num_chords; ++i) slots.slot[std::size_t(i)] = slot_of_chord[std::size_t(column(i))];
}

void Decoder::State::compute_chords(const int* columns, int count) {
  for (int i = 0; i < count; ++i)
    kernels.layer_norm(net.token_emb + (config.first_chord + columns[i]) * dim, net.chord_memory_norm.weight,
                       net.chord_memory_norm.bias, dim, h + i * dim);
  for (std::size_t layer = 0; layer < net.blocks.size(); ++layer) {
    const Projections& chord = net.blocks[layer].chord;
    const Rows in = rows(chord.k, h, count, dim);
    apply(chord.k, in, k);
    apply(chord.v, in, v);
    for (int i = 0; i < count; ++i) {
      float* to = chord_kv + (layer * std::size_t(config.num_chords) + std::size_t(columns[i])) * 2 * dim_;
      std::copy_n(k + i * dim, dim, to);
      std::copy_n(v + i * dim, dim, to + dim);
    }
  }
}

void Decoder::State::set_view(Block& block, const ChordSlots& slots, std::uint64_t number) {
  if (block.view == number) return;
  block.view = number;
  if (block.chord_stamp != stamp) {  // other styles: what stands there is of old
    block.chord_stamp = stamp;
    std::fill(block.laid_out.begin(), block.laid_out.end(), std::int16_t{-1});
  }
  const auto layer = static_cast<std::size_t>(&block - net.blocks.data());
  for (int slot = 0; slot < slots.used; ++slot) {
    const std::int16_t column = slots.column[std::size_t(slot)];
    if (column == block.laid_out[std::size_t(slot)]) continue;
    block.laid_out[std::size_t(slot)] = column;
    block.chords.set_chord(kernels, slot, chord_row(layer, column, 0), chord_row(layer, column, 1));
  }
}

}  // namespace sideman
