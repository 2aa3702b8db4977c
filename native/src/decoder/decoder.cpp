#include "sideman/decoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "network.h"
#include "sideman/sampler.h"

namespace sideman {
namespace {

Precision checked(Precision precision, int rollback, int streams) {
  if (rollback < 0 || rollback > 1 << 20) throw std::invalid_argument("rollback must be in 0..1048576 tokens");
  if (streams != 1 && streams != 2) throw std::invalid_argument("streams must be 1 or 2");
  return precision;
}

const Kernels& named_kernels(const char* name) {
  if (name == nullptr) return best_kernels();
  for (const Kernels* variant : available_kernels())
    if (std::strcmp(variant->name, name) == 0) return *variant;
  throw std::invalid_argument(std::string("no kernel ") + name + " on this machine");
}

}  // namespace

struct Decoder::State {
  State(const DecoderConfig& c, const Tensors& tensors, Precision precision, int rollback, int num_streams,
        const char* kernel);

  // Everything below works on `count` tokens of `inputs`, streams side by side: row t * streams + s.
  void run(const DecoderInput* inputs, int count);
  void embed(const DecoderInput* inputs, int count);
  void encode_stage(const DecoderInput* inputs, int count);
  void process_stage(Block& block, const DecoderInput* inputs, int count);
  void chord_stage(Block& block, const DecoderInput* inputs, int count);
  void decode_stage(int count);
  void see_chords(const DecoderInput* inputs, int count);
  void compute_chords(const int* columns, int count);
  void set_view(Block& block, const DecoderInput& input, std::uint64_t view);
  void fill_tables(const Linear& linear, float* out);
  void blend_tables();
  void restyle();
  void write_logits(float* logits);

  /// From a ring; position -1 is the silence before the stream.
  PitchSet& sounding_after(std::int64_t position) {
    return sounding[static_cast<std::size_t>(position + 1) % sounding.size()];
  }
  const float* chord_row(std::size_t layer, int column, int which) const {
    return chord_kv + ((layer * std::size_t(config.num_chords) + std::size_t(column)) * 2 + std::size_t(which)) * dim_;
  }
  /// Readies `count` rows of `width` for a matrix.
  Rows rows(const Linear& linear, float* in, int count, int width) {
    Rows out{in, quantised, scales, count, width};
    if (linear.wants_integers(exact))
      for (int i = 0; i < count; ++i)
        kernels.quantise_inputs(in + i * width, width, quantised + i * width, scales + i * (width / kBlockInputs));
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
  const bool exact;
  const int keep, streams, dim;
  const std::size_t dim_;
  const float query_scale;
  Arena arena;
  Network net;
  Scratch scratch;

  // Rows of the tokens in flight.
  float *query, *x, *h, *y, *q, *k, *v, *attended, *hidden, *scales, *low_rank;
  std::int16_t* quantised;

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
  std::vector<std::int64_t> viewed;  // its chord ids
  int num_viewed = -1;

  std::vector<PitchSet> sounding;
  std::int64_t length = 0, reachable = 0;
};

Decoder::State::State(const DecoderConfig& c, const Tensors& tensors, Precision precision, int rollback,
                      int num_streams, const char* kernel)
    : config(c),
      kernels(named_kernels(kernel)),
      exact(checked(precision, rollback, num_streams) == Precision::kExact),
      keep(rollback),
      streams(num_streams),
      dim(c.dim),
      dim_(std::size_t(c.dim)),
      query_scale(1.0f / std::sqrt(static_cast<float>(c.dim / std::max(1, c.heads)))),
      net(c, tensors, precision, rollback + kRows, num_streams, kernels, arena),
      scratch(net.longest_scratch, c.dim / c.heads, arena),
      viewed(std::size_t(c.chords_in_view)),
      sounding(std::size_t(rollback + kRows + 2)) {
  constexpr std::size_t kMost = 2 * kRows;
  const auto row = [&](int width) { return arena.take<float>(kMost * std::size_t(width)); };
  query = row(dim), x = row(dim), h = row(dim), y = row(dim), q = row(dim), k = row(dim), v = row(dim);
  attended = row(dim), hidden = row(c.ff_dim);
  const int widest = std::max(dim, c.ff_dim);
  quantised = arena.take<std::int16_t>(kMost * std::size_t(widest));
  scales = row(widest / kBlockInputs + 1);
  low_rank = arena.take<float>(std::size_t(round_up_16(kMaxRank)));

  const std::size_t table = std::size_t(c.event_ids) * dim_;
  base_k = arena.take<float>(table), base_v = arena.take<float>(table);
  table_k = arena.take<float>(table), table_v = arena.take<float>(table);
  fill_tables(net.encode.k, base_k);
  fill_tables(net.encode.v, base_v);
  blend_tables();
  chord_kv = arena.take<float>(std::size_t(c.layers) * std::size_t(c.num_chords) * 2 * dim_);
  chord_stamp = arena.take<std::uint32_t>(std::size_t(c.num_chords));
}

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
      if (!share_k[slot].empty()) kernels.add_rows(share_k[slot].data() + at, 1, dim, &weights[slot], table_k + at);
      if (!share_v[slot].empty()) kernels.add_rows(share_v[slot].data() + at, 1, dim, &weights[slot], table_v + at);
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

void Decoder::State::embed(const DecoderInput* inputs, int count) {
  for (int t = 0; t < count; ++t) {
    const DecoderInput& in = inputs[t];
    float* row = query + t * dim;
    std::copy_n(net.token_emb + in.token * dim, dim, row);
    kernels.add(net.beat_emb + in.beat * dim, dim, row);
    kernels.add(net.bar_emb + in.bar * dim, dim, row);
    PitchSet now = sounding_after(length + t - 1);
    if (const int on = in.token - config.note_on; on >= 0 && on < kPitches) now.add(on);
    if (const int off = in.token - config.note_off; off >= 0 && off < kPitches) now.remove(off);
    sounding_after(length + t) = now;
    if (net.sounding_emb == nullptr) continue;
    for (int pitch = 0; pitch < kPitches; ++pitch)
      if (now.has(pitch)) kernels.add(net.sounding_emb + pitch * dim, dim, row);
  }
}

/// Both streams share it: nothing in it knows the chords.
void Decoder::State::encode_stage(const DecoderInput* inputs, int count) {
  for (int t = 0; t < count; ++t)
    kernels.layer_norm(query + t * dim, net.encode_norm.weight, net.encode_norm.bias, dim, h + t * dim);
  apply(net.encode.q, rows(net.encode.q, h, count, dim), q);
  scale_queries(q, count);
  for (int t = 0; t < count; ++t) {
    net.encode_attention.push(length + t, inputs[t].token);
    net.encode_attention.attend(kernels, length + t, q + t * dim, scratch, attended + t * dim);
  }
  apply(net.encode.out, rows(net.encode.out, attended, count, dim), y);
  for (int t = 0; t < count; ++t) {
    kernels.add(query + t * dim, dim, y + t * dim);
    for (int s = 0; s < streams; ++s) std::copy_n(y + t * dim, dim, x + (t * streams + s) * dim);
  }
}

void Decoder::State::process_stage(Block& block, const DecoderInput* inputs, int count) {
  const int n = count * streams;
  for (int i = 0; i < n; ++i)
    kernels.layer_norm(x + i * dim, block.self_norm.weight, block.self_norm.bias, dim, h + i * dim);
  const Rows in = rows(block.self.q, h, n, dim);
  apply(block.self.q, in, q);
  apply(block.self.k, in, k);
  apply(block.self.v, in, v);
  scale_queries(q, n);
  for (int i = 0; i < n; ++i) {
    block.band.store(kernels, i % streams, length + i / streams, k + i * dim, v + i * dim);
    block.band.attend(kernels, i % streams, length + i / streams, q + i * dim, scratch, attended + i * dim);
  }
  apply(block.self.out, rows(block.self.out, attended, n, dim), y);
  kernels.add(y, n * dim, x);

  chord_stage(block, inputs, count);

  for (int i = 0; i < n; ++i)
    kernels.layer_norm(x + i * dim, block.ff_norm.weight, block.ff_norm.bias, dim, h + i * dim);
  apply(block.up, rows(block.up, h, n, dim), hidden);
  kernels.squared_relu(hidden, n * config.ff_dim);
  apply(block.down, rows(block.down, hidden, n, config.ff_dim), y);
  kernels.add(y, n * dim, x);
}

void Decoder::State::chord_stage(Block& block, const DecoderInput* inputs, int count) {
  const auto layer = static_cast<std::size_t>(&block - net.blocks.data());
  for (int t = 0; t < count; ++t)
    kernels.layer_norm(x + t * streams * dim, block.chord_norm.weight, block.chord_norm.bias, dim, h + t * dim);
  apply(block.chord.q, rows(block.chord.q, h, count, dim), q);
  scale_queries(q, count);
  for (int t = 0; t < count; ++t) {
    set_view(block, inputs[t], view_of[t]);
    float* row = attended + t * streams * dim;
    block.chords.attend(kernels, inputs[t].chord_rows, inputs[t].num_chords, q + t * dim, scratch, row);
    // Without chords the memory is NO_CHORD alone, so attention returns its value whatever the query.
    if (streams == 2) std::copy_n(chord_row(layer, 0, 1), dim, row + dim);
  }
  const int n = count * streams;
  apply(block.chord.out, rows(block.chord.out, attended, n, dim), y);
  kernels.add(y, n * dim, x);
}

/// x (rows of the latents) -> h (rows before the head).
void Decoder::State::decode_stage(int count) {
  const int n = count * streams;
  for (int t = 0; t < count; ++t)
    kernels.layer_norm(query + t * dim, net.decode_norm.weight, net.decode_norm.bias, dim, h + t * dim);
  apply(net.decode.q, rows(net.decode.q, h, count, dim), q);
  scale_queries(q, count);
  for (int i = 0; i < n; ++i)
    kernels.layer_norm(x + i * dim, net.latent_norm.weight, net.latent_norm.bias, dim, h + i * dim);
  const Rows in = rows(net.decode.k, h, n, dim);
  apply(net.decode.k, in, k);
  apply(net.decode.v, in, v);
  for (int i = 0; i < n; ++i) {
    const int t = i / streams, s = i % streams;
    net.decode_attention.store(kernels, s, length + t, k + i * dim, v + i * dim);
    net.decode_attention.attend(kernels, s, length + t, q + t * dim, scratch, attended + i * dim);
  }
  apply(net.decode.out, rows(net.decode.out, attended, n, dim), y);
  for (int i = 0; i < n; ++i) {
    kernels.add(query + i / streams * dim, dim, y + i * dim);
    kernels.layer_norm(y + i * dim, net.out_norm.weight, net.out_norm.bias, dim, h + i * dim);
  }
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
    }
    view_of[t] = view;
  }
  if (num_missing > 0) compute_chords(missing, num_missing);
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

void Decoder::State::set_view(Block& block, const DecoderInput& input, std::uint64_t number) {
  if (block.view == number) return;
  block.view = number;
  const auto layer = static_cast<std::size_t>(&block - net.blocks.data());
  for (int i = 0; i < input.num_chords; ++i) {
    const int column = static_cast<int>(input.chord_ids[i]) - config.first_chord;
    block.chords.set_chord(kernels, i, chord_row(layer, column, 0), chord_row(layer, column, 1));
  }
}

void Decoder::State::run(const DecoderInput* inputs, int count) {
  see_chords(inputs, count);
  embed(inputs, count);
  encode_stage(inputs, count);
  for (Block& block : net.blocks) process_stage(block, inputs, count);
  decode_stage(count);
  length += count;
  reachable = std::min<std::int64_t>(reachable + count, keep);
}

void Decoder::State::write_logits(float* logits) {
  apply(net.head, rows(net.head, h, streams, dim), logits);
}

Decoder::Decoder(const DecoderConfig& config, const Tensors& tensors, Precision precision, int rollback, int streams,
                 const char* kernel)
    : state_(std::make_unique<State>(config, tensors, precision, rollback, streams, kernel)) {}

Decoder::~Decoder() = default;

void Decoder::feed(const DecoderInput* inputs, int count, float* logits) {
  State& s = *state_;
  const DecoderConfig& c = s.config;
  const auto within = [](std::int64_t value, std::int64_t low, std::int64_t end) { return value >= low && value < end; };
  for (int t = 0; t < count; ++t) {
    const DecoderInput& in = inputs[t];
    if (!within(in.token, 0, c.event_ids) || !within(in.beat, 0, c.beat_bins) || !within(in.bar, 0, c.bar_bins))
      throw std::invalid_argument("token " + std::to_string(in.token) + ", beat " + std::to_string(in.beat) + ", bar " +
                                  std::to_string(in.bar) + ": one lies outside its table");
    if (!within(in.num_chords, 1, c.chords_in_view + 1))
      throw std::invalid_argument(std::to_string(in.num_chords) + " chords in view: give 1.." +
                                  std::to_string(c.chords_in_view));
    for (int i = 0; i < in.num_chords; ++i)
      if (!within(in.chord_ids[i], c.first_chord, c.first_chord + c.num_chords) || !within(in.chord_rows[i], 0, c.chord_rows))
        throw std::invalid_argument("chord " + std::to_string(in.chord_ids[i]) + " in row " +
                                    std::to_string(in.chord_rows[i]) + " lies outside its table");
  }
  for (int done = 0; done < count; done += kRows) {
    const int rows = std::min(count - done, kRows);
    s.run(inputs + done, rows);
    if (done + rows == count) {
      std::copy_n(s.h + std::size_t(rows - 1) * std::size_t(s.streams) * s.dim_, std::size_t(s.streams) * s.dim_, s.h);
      s.write_logits(logits);
    }
  }
}

bool Decoder::rollback(std::int64_t tokens) noexcept {
  State& s = *state_;
  if (tokens < 0 || tokens > s.reachable) return false;
  for (std::int64_t i = 0; i < tokens; ++i) s.net.encode_attention.pop(--s.length);
  s.reachable -= tokens;
  return true;
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
  for (auto& [name, linear] : s.net.modules) linear->adapters[slot] = {};
  float* next = memory.data();
  for (const auto& [name, adapter] : style) {
    const std::size_t a = std::size_t(adapter.rank) * std::size_t(adapter.columns);
    float* b = std::copy_n(adapter.a, a, next);
    s.net.modules[name]->adapters[slot] = {next, b, adapter.rank};
    next = b;
    for (int r = 0; r < adapter.rank; ++r)
      for (int row = 0; row < adapter.rows; ++row) *next++ = adapter.scale * adapter.b[row * adapter.rank + r];
  }
  s.adapter_memory[slot] = std::move(memory);

  const auto share = [&](const AdapterSlot& adapter, std::vector<float>& out) {
    out.assign(adapter.rank == 0 ? 0 : std::size_t(s.config.event_ids) * s.dim_, 0.0f);
    for (int id = 0; adapter.rank > 0 && id < s.config.event_ids; ++id) {
      s.kernels.layer_norm(s.net.token_emb + id * s.dim, s.net.token_norm.weight, s.net.token_norm.bias, s.dim, s.h);
      s.kernels.dots(adapter.a, adapter.rank, s.dim, s.h, s.low_rank);
      s.kernels.add_rows(adapter.b, adapter.rank, s.dim, s.low_rank, out.data() + std::size_t(id) * s.dim_);
    }
  };
  share(s.net.encode.k.adapters[slot], s.share_k[slot]);
  share(s.net.encode.v.adapters[slot], s.share_v[slot]);
  if (s.weights[slot] != 0.0f) s.restyle();
}

void Decoder::set_style_weights(const float (&weights)[kStyles]) noexcept {
  State& s = *state_;
  if (std::equal(weights, weights + kStyles, s.weights)) return;
  std::copy_n(weights, kStyles, s.weights);
  s.restyle();
}

std::int64_t Decoder::length() const noexcept { return state_->length; }
std::int64_t Decoder::reachable() const noexcept { return state_->reachable; }
int Decoder::streams() const noexcept { return state_->streams; }
int Decoder::event_ids() const noexcept { return state_->config.event_ids; }
const char* Decoder::kernel() const noexcept { return state_->kernels.name; }
std::size_t Decoder::memory_bytes() const noexcept { return state_->arena.bytes(); }

std::size_t Decoder::token_bytes() const noexcept {
  const Network& net = state_->net;
  std::size_t bytes = net.encode_attention.bytes_per_token() + net.decode_attention.bytes_per_token();
  for (const Block& block : net.blocks) bytes += block.band.bytes_per_token();
  for (const auto& [name, linear] : net.modules) {
    const bool is_table = name == "encode_attn.k_proj" || name == "encode_attn.v_proj" ||
                          name.find("chord_attn.k_proj") != std::string::npos ||
                          name.find("chord_attn.v_proj") != std::string::npos;
    if (!is_table) bytes += linear->bytes();
    for (int slot = 0; slot < kStyles && !is_table; ++slot)
      if (state_->weights[slot] != 0.0f)
        bytes += sizeof(float) * std::size_t(linear->adapters[slot].rank) * std::size_t(linear->rows() + linear->columns());
  }
  return bytes;
}

std::vector<std::string> kernel_variants() {
  std::vector<std::string> names;
  for (const Kernels* variant : available_kernels()) names.emplace_back(variant->name);
  return names;
}

std::string best_kernel() { return best_kernels().name; }

}  // namespace sideman
