#pragma once

#include <cstdint>
#include <vector>

#include "network.h"
#include "past.h"
#include "sideman/decoder.h"
#include "sideman/sampler.h"

namespace sideman {

/// What a decoder and its forks share: the weights, what is computed of them alone, and room for tokens on their way.
/// Its parts lie in decoder_state.cpp (memory), stages.cpp (the tokens' way through the
/// network), chords_in_view.cpp and styles.cpp.
struct Decoder::State {
  State(const DecoderConfig& c, const Tensors& tensors, Precision precision, int num_streams, const char* kernel);

  // Everything below works on `count` tokens of `inputs`, streams side by side: row t * streams + s.
  void run(const DecoderInput* inputs, Past& past, int count);
  void check(const DecoderInput& input) const;
  void embed(const DecoderInput* inputs, int count);
  void add_controls(const float* levels, float* row);
  void encode_stage(const DecoderInput* inputs, int count);
  void process_stage(Block& block, const DecoderInput* inputs, int count);
  void chord_stage(Block& block, const DecoderInput* inputs, int count);
  void decode_stage(int count);
  void see_chords(const DecoderInput* inputs, int count);
  void compute_chords(const int* columns, int count);
  void place_chords(const DecoderInput& input, ChordSlots& slots);
  void set_view(Block& block, const ChordSlots& slots, std::uint64_t view);
  void fill_tables(const Linear& linear, float* out);
  void blend_tables();
  void restyle();
  /// Of `count` tokens from row `t` on.
  void write_logits(int t, int count, float* logits);

  const float* chord_row(std::size_t layer, int column, int which) const {
    return chord_kv + ((layer * std::size_t(config.num_chords) + std::size_t(column)) * 2 + std::size_t(which)) * dim_;
  }
  /// Readies `count` rows of `width` for a matrix.
  Rows rows(const Linear& linear, float* in, int count, int width) {
    Rows out{in, quantised, words, count, width};
    if (linear.wants_integers(exact)) linear.product(kernels).quantise(in, count * width, quantised, words);
    return out;
  }
  void apply(const Linear& linear, const Rows& in, float* out) {
    linear.apply(kernels, exact, in, weights, out, linear.rows(), low_rank);
  }
  void scale_queries(float* queries, int count) const {
    for (int i = 0; i < count * dim; ++i) queries[i] *= query_scale;
  }

  DecoderConfig config;
  const Kernels& kernels;
  const Precision precision;
  const bool exact;
  const int dim;
  const std::size_t dim_;
  const float query_scale;
  Arena arena;
  Network net;
  Scratch scratch;

  // Rows of the tokens in flight.
  float *query, *x, *h, *y, *q, *k, *v, *attended, *hidden, *words, *low_rank;
  std::int16_t* quantised;
  Past* past = nullptr;  // what the tokens are appended to
  int streams = 0;       // of it

  // Encode tables by id, (event_ids, dim) each: of the base, and each style's share for weight 1.
  float *base_k, *base_v, *table_k, *table_v;
  std::vector<float> share_k[kStyles], share_v[kStyles];
  std::vector<float> adapter_memory[kStyles];
  float weights[kStyles] = {};

  // Chord keys and values, (layers, num_chords, 2, dim), valid where the stamp is the current one.
  float* chord_kv;
  std::uint32_t* chord_stamp;
  std::uint32_t stamp = 1;
  std::uint64_t view = 0;  // number of the view of the newest token
  std::uint64_t view_of[kRows] = {};
  ChordSlots slots_of[kRows];
  ChordSlots newest_slots;
  std::vector<std::int16_t> slot_of_chord;  // by column; -1: in no slot
  std::vector<std::int64_t> viewed;  // its chord ids
  int num_viewed = -1;
};

}  // namespace sideman
