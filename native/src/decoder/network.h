#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "attention.h"
#include "linear.h"

namespace sideman {

struct Norm {
  const float* weight = nullptr;
  const float* bias = nullptr;
};

/// The four matrices of an attention.
struct Projections {
  Linear q, k, v, out;
};

struct Block {
  Norm self_norm, chord_norm, ff_norm;
  Projections self, chord;
  Linear up, down;
  BandAttention band;
  ChordAttention chords;
  std::uint64_t view = 0;             // which view of the chords is laid out; 0: none
  std::uint32_t chord_stamp = 0;      // and under which styles
  std::vector<std::int16_t> laid_out; // by slot: the chord that stands there; -1: none
};

/// The weights of a checkpoint, laid out.
struct Network {
  /// std::invalid_argument names the tensor or the size that does not fit.
  Network(const DecoderConfig& config, const Tensors& tensors, Precision precision, const Kernels& kernels,
          Arena& arena);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  DecoderConfig config;
  const float *token_emb = nullptr, *beat_emb = nullptr, *bar_emb = nullptr;
  const float* sounding_emb = nullptr;  // (128, dim); null where the network has none
  const float* control_emb = nullptr;   // (sum of levels + 1, dim); null where it can be asked nothing
  Norm encode_norm, token_norm, chord_memory_norm, decode_norm, latent_norm, out_norm;
  Projections encode, decode;
  EncodeAttention encode_attention;
  BandAttention decode_attention;
  std::vector<Block> blocks;
  Linear head;
  std::unordered_map<std::string, Linear*> modules;  // by the name that adapters use
  int longest_scratch = 0;
};

}  // namespace sideman
