#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "sideman/decoder.h"

namespace sideman::tests {

/// A network of random weights.
struct Weights {
  std::mt19937 random{7};
  std::vector<std::unique_ptr<std::vector<float>>> floats;
  std::vector<std::unique_ptr<std::vector<std::uint8_t>>> codes;
  Tensors tensors;

  explicit Weights(const DecoderConfig& c) {
    const int near = std::min(c.band, c.distances);
    dense("token_emb.weight", c.vocabulary, c.dim);
    dense("beat_emb.weight", c.beat_bins, c.dim);
    dense("bar_emb.weight", c.bar_bins, c.dim);
    dense("sounding_emb.weight", 128, c.dim);
    int control_rows = 0;
    for (const Control& control : c.controls) control_rows += control.levels + 1;
    if (control_rows > 0) dense("control_emb.weight", control_rows, c.dim);
    for (const char* name : {"encode_norm", "token_norm", "chord_memory_norm", "decode_norm", "latent_norm", "out_norm"})
      norm(name, c.dim);
    attention("encode_attn", c.distances, c.dim);
    attention("decode_attn", near, c.dim);
    for (int i = 0; i < c.layers; ++i) {
      const std::string name = "blocks." + std::to_string(i) + ".";
      for (const char* part : {"self_norm", "chord_norm", "ff_norm"}) norm(name + part, c.dim);
      attention(name + "self_attn", near, c.dim);
      attention(name + "chord_attn", c.chord_rows, c.dim);
      nf4(name + "ff.up_proj.weight", c.ff_dim, c.dim);
      nf4(name + "ff.down_proj.weight", c.dim, c.ff_dim);
    }
    nf4("head.weight", c.event_ids, c.dim);
  }

  float* dense(const std::string& name, int rows, int columns, float scale = 0.3f) {
    std::normal_distribution<float> normal(0.0f, scale);
    floats.push_back(std::make_unique<std::vector<float>>(std::size_t(rows * columns)));
    for (float& value : *floats.back()) value = normal(random);
    tensors[name] = {Tensor::Kind::kFloat32, floats.back()->data(), nullptr, rows, columns};
    return floats.back()->data();
  }
  void norm(const std::string& name, int dim) {
    dense(name + ".weight", 1, dim);
    dense(name + ".bias", 1, dim);
  }
  void nf4(const std::string& name, int rows, int columns) {
    codes.push_back(std::make_unique<std::vector<std::uint8_t>>(std::size_t(rows * columns / 2)));
    for (auto& code : *codes.back()) code = static_cast<std::uint8_t>(random());
    floats.push_back(std::make_unique<std::vector<float>>(std::size_t(rows * columns / 64), 0.4f));
    tensors[name] = {Tensor::Kind::kNf4, codes.back()->data(), floats.back()->data(), rows, columns};
  }
  void attention(const std::string& name, int distances, int dim) {
    dense(name + ".relative", distances, dim);
    for (const char* projection : {".q_proj", ".k_proj", ".v_proj", ".out_proj"})
      nf4(name + projection + ".weight", dim, dim);
  }
};

}  // namespace sideman::tests
