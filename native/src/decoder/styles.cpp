#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "decoder_state.h"

namespace sideman {

void Decoder::State::fill_tables(const Linear& linear, float* out) {
  for (int id = 0; id < config.event_ids; id += kRows) {
    for (int i = 0; i < kRows; ++i)
      kernels.layer_norm(net.token_emb + (id + i) * dim, net.token_norm.weight, net.token_norm.bias, dim, h + i * dim);
    apply(linear, rows(linear, h, kRows, dim), out + id * dim);
  }
}

void Decoder::State::blend_tables() {
  for (int id = 0; id < config.event_ids; ++id) {
    const std::size_t at = std::size_t(id) * dim_;
    std::copy_n(base_k + at, dim, table_k + at);
    std::copy_n(base_v + at, dim, table_v + at);
    for (int slot = 0; slot < kStyles; ++slot) {
      if (weights[slot] == 0.0f) continue;
      if (!share_k[slot].empty()) kernels.add_rows(share_k[slot].data() + at, 1, dim, &weights[slot], 1, table_k + at, 0);
      if (!share_v[slot].empty()) kernels.add_rows(share_v[slot].data() + at, 1, dim, &weights[slot], 1, table_v + at, 0);
    }
    net.encode_attention.set_id(kernels, id, table_k + at, table_v + at);
  }
}

/// After a change of styles or weights: what was computed ahead of the tokens is so again.
void Decoder::State::restyle() {
  blend_tables();
  ++stamp;          // chords are seen anew
  num_viewed = -1;  // and laid out anew
}

void Decoder::set_style(int slot, const Style& style) {
  State& s = *state_;
  if (slot < 0 || slot >= kStyles)
    throw std::invalid_argument("style slot " + std::to_string(slot) + ": there are " + std::to_string(kStyles));
  std::size_t floats = 0;
  for (const auto& [name, adapter] : style) {
    const auto found = s.net.modules.find(name);
    if (found == s.net.modules.end()) throw std::invalid_argument("the network has no module " + name);
    const Linear& linear = *found->second;
    if (adapter.rank < 1 || adapter.rank > kMaxRank || adapter.rows != linear.rows() ||
        adapter.columns != linear.columns() || adapter.a == nullptr || adapter.b == nullptr)
      throw std::invalid_argument(name + ": an adapter of rank " + std::to_string(adapter.rank) + " from " +
                                  std::to_string(adapter.columns) + " to " + std::to_string(adapter.rows) +
                                  ": the base has " + std::to_string(linear.columns()) + " to " +
                                  std::to_string(linear.rows()) + ", and ranks go to " + std::to_string(kMaxRank));
    floats += std::size_t(adapter.rank) * std::size_t(adapter.rows + adapter.columns);
  }
  std::vector<float> memory(floats);
  std::vector<std::pair<Linear*, AdapterSlot>> adapters;
  float* next = memory.data();
  for (const auto& [name, adapter] : style) {
    float* const a = next;
    float* const b = next = std::copy_n(adapter.a, std::size_t(adapter.rank) * std::size_t(adapter.columns), a);
    for (int r = 0; r < adapter.rank; ++r)
      for (int row = 0; row < adapter.rows; ++row) *next++ = adapter.scale * adapter.b[row * adapter.rank + r];
    // What the caches once hold that is no number spoils all that follows, under other styles, too.
    if (!std::all_of(a, next, [](float number) { return std::isfinite(number); }))
      throw std::invalid_argument(name + ": its adapter has numbers that are none");
    adapters.emplace_back(s.net.modules[name], AdapterSlot{a, b, adapter.rank});
  }
  for (auto& [name, linear] : s.net.modules) linear->adapters[slot] = {};
  for (const auto& [linear, adapter] : adapters) linear->adapters[slot] = adapter;
  s.adapter_memory[slot] = std::move(memory);

  const auto share = [&](const AdapterSlot& adapter, std::vector<float>& out) {
    out.assign(adapter.rank == 0 ? 0 : std::size_t(s.config.event_ids) * s.dim_, 0.0f);
    for (int id = 0; adapter.rank > 0 && id < s.config.event_ids; ++id) {
      s.kernels.layer_norm(s.net.token_emb + id * s.dim, s.net.token_norm.weight, s.net.token_norm.bias, s.dim, s.h);
      s.kernels.dots(adapter.a, adapter.rank, s.dim, s.h, 1, s.low_rank);
      s.kernels.add_rows(adapter.b, adapter.rank, s.dim, s.low_rank, 1, out.data() + std::size_t(id) * s.dim_, 0);
    }
  };
  share(s.net.encode.k.adapters[slot], s.share_k[slot]);
  share(s.net.encode.v.adapters[slot], s.share_v[slot]);
  if (s.weights[slot] != 0.0f) s.restyle();
}

void Decoder::set_style_weights(const float (&weights)[kStyles]) {
  constexpr float kHeaviest = 1000.0f;
  for (const float weight : weights)
    if (!(weight >= -kHeaviest && weight <= kHeaviest))
      throw std::invalid_argument("a style's weight of " + std::to_string(weight) + " lies outside -1000..1000");
  State& s = *state_;
  if (std::equal(weights, weights + kStyles, s.weights)) return;
  std::copy_n(weights, kStyles, s.weights);
  s.restyle();
}

}  // namespace sideman
