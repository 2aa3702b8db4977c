#include "network.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace sideman {
namespace {

float from_half(std::uint16_t half) {
  const std::uint32_t sign = std::uint32_t(half & 0x8000u) << 16, exponent = half >> 10 & 31u, mantissa = half & 1023u;
  if (exponent == 0) return (sign != 0 ? -1.0f : 1.0f) * static_cast<float>(mantissa) * 0x1p-24f;
  const std::uint32_t bits = sign | (exponent == 31 ? 255u : exponent + 112u) << 23 | mantissa << 13;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

std::string shape(int rows, int columns) { return "(" + std::to_string(rows) + ", " + std::to_string(columns) + ")"; }

void require(bool holds, const std::string& text) {
  if (!holds) throw std::invalid_argument(text);
}

constexpr int kMostChords = 0x7FFF;  // columns and slots of chords in view are numbers of 16 bits

void check(const DecoderConfig& c) {
  require(c.heads >= 1 && c.dim >= 16 && c.dim % c.heads == 0, "latent_dim must be a multiple of num_heads, from 16 on");
  require(c.dim % 16 == 0 && c.ff_dim % 16 == 0 && c.ff_dim >= 16 && c.event_ids % 16 == 0 && c.event_ids >= 16,
          "latent_dim " + std::to_string(c.dim) + " and ff_dim " + std::to_string(c.ff_dim) +
              " must be multiples of 16 for the compiled decoder");
  require(c.dim / c.heads % 2 == 0 && c.dim / c.heads <= KeyValues::kMaxHeadDim,
          "a head of " + std::to_string(c.dim / c.heads) + " numbers: the compiled decoder wants an even count, at most " +
              std::to_string(KeyValues::kMaxHeadDim));
  require(c.layers >= 1 && c.band >= 1 && c.context >= 1 && c.distances >= 1 && c.distances <= c.context,
          "num_layers, latent_len, max_seq_len and max_relative_distance must be 1 or more");
  require(c.dim <= 1 << 16 && c.ff_dim <= 1 << 18 && c.band <= 1 << 20 && c.context <= 1 << 24 && c.layers <= 4096,
          "sizes beyond what the compiled decoder takes");
  require(c.event_ids <= c.vocabulary && c.vocabulary <= 1 << 16 && c.note_on >= 0 && c.note_on <= c.vocabulary &&
              c.note_off >= 0 && c.note_off <= c.vocabulary && c.num_chords >= 1 && c.num_chords <= kMostChords &&
              c.first_chord >= 0 && c.first_chord <= c.vocabulary - c.num_chords && c.beat_bins >= 1 &&
              c.bar_bins >= 1 && c.chord_rows >= 1 && c.chord_rows <= 1 << 16 && c.chords_in_view >= 1 &&
              c.chords_in_view <= kMostChords,
          "the token table does not fit");
  require(c.controls.size() <= 256, "more than 256 controls");
  for (const Control& control : c.controls)
    require(control.levels >= 1 && control.levels <= 1 << 12, "control " + control.name + ": levels must be 1 to 4096");
}

class Loader {
 public:
  Loader(const Tensors& tensors, Arena& arena) : tensors_(tensors), arena_(arena) {}

  const Tensor& find(const std::string& name, int rows, int columns) const {
    const auto found = tensors_.find(name);
    require(found != tensors_.end(), "no tensor " + name);
    const Tensor& tensor = found->second;
    require(tensor.rows == rows && tensor.columns == columns,
            name + " is " + shape(tensor.rows, tensor.columns) + ", but the config asks for " + shape(rows, columns));
    require(tensor.data != nullptr, name + " holds nothing");
    return tensor;
  }

  /// Any tensor but NF4 as fp32.
  const float* floats(const std::string& name, int rows, int columns) const {
    find(name, rows, columns);  // before anything is taken
    auto* values = arena_.take<float>(std::size_t(rows) * std::size_t(columns));
    read(name, rows, columns, values);
    return values;
  }

  /// The same for as long as a table is made of it.
  std::vector<float> passing(const std::string& name, int rows, int columns) const {
    find(name, rows, columns);
    std::vector<float> values(std::size_t(rows) * std::size_t(columns));
    read(name, rows, columns, values.data());
    return values;
  }

  void read(const std::string& name, int rows, int columns, float* values) const {
    const Tensor& tensor = find(name, rows, columns);
    require(tensor.kind != Tensor::Kind::kNf4, name + " is NF4 where numbers are wanted");
    const std::size_t count = std::size_t(rows) * std::size_t(columns);
    if (tensor.kind == Tensor::Kind::kFloat32)
      std::memcpy(values, tensor.data, count * sizeof(float));
    else
      std::transform(static_cast<const std::uint16_t*>(tensor.data),
                     static_cast<const std::uint16_t*>(tensor.data) + count, values, from_half);
  }

  Norm norm(const std::string& name, int dim) const {
    return {floats(name + ".weight", 1, dim), floats(name + ".bias", 1, dim)};
  }

  Linear linear(const std::string& name, int rows, int columns, bool byte_levels = false) const {
    Tensor tensor = find(name + ".weight", rows, columns);
    if (tensor.kind == Tensor::Kind::kNf4)
      require(columns % kBlockInputs == 0 && tensor.absmax != nullptr, name + ": NF4 rows must be whole blocks of 64");
    if (tensor.kind == Tensor::Kind::kFloat16) tensor = {Tensor::Kind::kFloat32, floats(name + ".weight", rows, columns),
                                                         nullptr, rows, columns};
    return Linear(tensor, byte_levels, arena_);
  }

  Projections projections(const std::string& name, int dim, bool byte_levels = false) const {
    const auto part = [&](const char* which) { return linear(name + which, dim, dim, byte_levels); };
    return {part(".q_proj"), part(".k_proj"), part(".v_proj"), part(".out_proj")};
  }

  bool has(const std::string& name) const { return tensors_.count(name) != 0; }

 private:
  const Tensors& tensors_;
  Arena& arena_;
};

}  // namespace

Network::Network(const DecoderConfig& c, const Tensors& tensors, Precision precision,
                 const Kernels& kernels, Arena& arena)
    : config(c) {
  check(c);
  const Loader load(tensors, arena);
  const int dim = c.dim, head_dim = dim / c.heads, near = std::min(c.band, c.distances);
  const auto band = [&](const std::string& name) {
    return BandAttention(load.passing(name + ".relative", near, dim).data(), near, c.band, c.heads, head_dim,
                         precision, kernels, arena);
  };
  token_emb = load.floats("token_emb.weight", c.vocabulary, dim);
  beat_emb = load.floats("beat_emb.weight", c.beat_bins, dim);
  bar_emb = load.floats("bar_emb.weight", c.bar_bins, dim);
  if (load.has("sounding_emb.weight")) sounding_emb = load.floats("sounding_emb.weight", 128, dim);
  int control_rows = 0;
  for (const Control& control : c.controls) control_rows += control.levels + 1;
  if (control_rows > 0) control_emb = load.floats("control_emb.weight", control_rows, dim);
  encode_norm = load.norm("encode_norm", dim);
  token_norm = load.norm("token_norm", dim);
  encode = load.projections("encode_attn", dim);
  encode_attention = EncodeAttention(load.passing("encode_attn.relative", c.distances, dim).data(), c.distances, c.context,
                                     c.event_ids, c.heads, head_dim, precision, kernels, arena);
  chord_memory_norm = load.norm("chord_memory_norm", dim);
  // Six in seven weights are the blocks', but what is next to the logits costs most of the divergence: that stays fine.
  const bool byte_levels = precision == Precision::kInt8;
  blocks.resize(std::size_t(c.layers));
  for (int i = 0; i < c.layers; ++i) {
    Block& block = blocks[std::size_t(i)];
    const std::string name = "blocks." + std::to_string(i) + ".";
    block.self_norm = load.norm(name + "self_norm", dim);
    block.self = load.projections(name + "self_attn", dim, byte_levels);
    block.band = band(name + "self_attn");
    block.chord_norm = load.norm(name + "chord_norm", dim);
    block.chord = load.projections(name + "chord_attn", dim, byte_levels);
    block.chords = ChordAttention(load.passing(name + "chord_attn.relative", c.chord_rows, dim).data(), c.chord_rows,
                                  c.chords_in_view, c.heads, head_dim, precision, kernels, arena);
    block.laid_out.assign(std::size_t(c.chords_in_view), -1);
    block.ff_norm = load.norm(name + "ff_norm", dim);
    block.up = load.linear(name + "ff.up_proj", c.ff_dim, dim, byte_levels);
    block.down = load.linear(name + "ff.down_proj", dim, c.ff_dim, byte_levels);
  }
  decode_norm = load.norm("decode_norm", dim);
  latent_norm = load.norm("latent_norm", dim);
  decode = load.projections("decode_attn", dim);
  decode_attention = band("decode_attn");
  out_norm = load.norm("out_norm", dim);
  head = load.linear("head", c.event_ids, dim);

  const auto name_all = [&](const std::string& name, Projections& p) {
    modules[name + ".q_proj"] = &p.q;
    modules[name + ".k_proj"] = &p.k;
    modules[name + ".v_proj"] = &p.v;
    modules[name + ".out_proj"] = &p.out;
  };
  name_all("encode_attn", encode);
  name_all("decode_attn", decode);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::string name = "blocks." + std::to_string(i) + ".";
    name_all(name + "self_attn", blocks[i].self);
    name_all(name + "chord_attn", blocks[i].chord);
    modules[name + "ff.up_proj"] = &blocks[i].up;
    modules[name + "ff.down_proj"] = &blocks[i].down;
  }
  modules["head"] = &head;
  longest_scratch = std::max({2 * round_up_16(c.band) + near + 128, 2 * c.distances + 128, c.event_ids, c.chord_rows + 64, c.chords_in_view + 16});
}

}  // namespace sideman
