#include <algorithm>
#include <array>
#include <cmath>
#include <doctest/doctest.h>
#include <random>
#include <stdexcept>
#include <vector>

#include "random_network.h"
#include "sideman/decoder.h"

using namespace sideman;
using sideman::tests::Weights;

namespace {

DecoderConfig small_config() {
  DecoderConfig c;
  c.dim = 64, c.band = 20, c.layers = 2, c.heads = 2, c.ff_dim = 128, c.context = 50, c.distances = 24;
  c.vocabulary = 80, c.event_ids = 48, c.note_on = 0, c.note_off = 20, c.first_chord = 50, c.num_chords = 30;
  c.beat_bins = 5, c.bar_bins = 3, c.chord_rows = 17, c.chords_in_view = 10;
  c.controls = {{"role", 3, false}, {"density", 5, true}};
  return c;
}

/// Tokens under views of the chords that change at each of them.
struct Music {
  std::vector<std::vector<std::int64_t>> ids, rows;
  std::vector<std::array<float, 2>> levels;
  std::vector<DecoderInput> inputs;

  Music(const DecoderConfig& c, unsigned seed, int count) {
    std::mt19937 random(seed);
    const auto below = [&](int end) { return static_cast<int>(random() % static_cast<unsigned>(end)); };
    for (int i = 0; i < count; ++i) {
      ids.emplace_back(std::size_t(1 + below(c.chords_in_view)));
      rows.emplace_back(ids.back().size());
      for (auto& id : ids.back()) id = c.first_chord + below(c.num_chords);
      for (auto& row : rows.back()) row = below(c.chord_rows);
      DecoderInput in;
      in.token = below(c.event_ids), in.beat = below(c.beat_bins), in.bar = below(c.bar_bins);
      inputs.push_back(in);
      levels.push_back({static_cast<float>(below(4) - 1), below(4) == 0 ? -1.0f : static_cast<float>(below(9)) / 2.0f});
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      inputs[i].chord_ids = ids[i].data(), inputs[i].chord_rows = rows[i].data();
      inputs[i].num_chords = static_cast<int>(ids[i].size());
      if (i % 5 != 0) inputs[i].levels = levels[i].data();
    }
  }
};

std::vector<float> fed(Decoder& decoder, const DecoderInput* inputs, int count = 1) {
  std::vector<float> logits(std::size_t(decoder.streams() * decoder.event_ids()));
  decoder.feed(inputs, count, logits.data());
  return logits;
}

Style random_style(Weights& weights, const DecoderConfig& config) {
  Style style;
  for (const char* module : {"encode_attn.k_proj", "blocks.1.chord_attn.v_proj", "blocks.0.self_attn.q_proj",
                             "decode_attn.out_proj", "blocks.1.ff.up_proj"}) {
    const int rows = std::string(module).find("up_proj") != std::string::npos ? config.ff_dim : config.dim;
    style[module] = {weights.dense("a", 8, config.dim, 0.1f), weights.dense("b", rows, 8, 0.1f), 8, rows, config.dim, 2.0f};
  }
  return style;
}

float distance(const std::vector<float>& a, const std::vector<float>& b) {
  float apart = 0.0f, size = 0.0f;
  for (std::size_t i = 0; i < a.size(); ++i) {
    apart += (a[i] - b[i]) * (a[i] - b[i]);
    size += b[i] * b[i];
  }
  return std::sqrt(apart / size);
}

}  // namespace

TEST_CASE("every kernel and precision gives the logits of the portable exact one") {
  const DecoderConfig config = small_config();
  const Weights weights(config);
  const Music music(config, 1, 120);
  for (const std::string& kernel : kernel_variants())
    for (const auto& [precision, tolerance] :
         {std::pair(Precision::kExact, 1e-5f), std::pair(Precision::kInt16, 5e-3f), std::pair(Precision::kInt8, 0.1f)}) {
      Decoder reference(config, weights.tensors, Precision::kExact, 16, 2, "portable");
      Decoder decoder(config, weights.tensors, precision, 16, 2, kernel.c_str());
      REQUIRE(decoder.kernel() == kernel);
      for (const DecoderInput& in : music.inputs) REQUIRE(distance(fed(decoder, &in), fed(reference, &in)) < tolerance);
    }
}

TEST_CASE("rollback(n) == never having fed n tokens, to the bit") {
  const DecoderConfig config = small_config();
  const Weights weights(config);
  const Music music(config, 2, 150), detour(config, 3, 40);
  std::mt19937 random(4);
  for (const Precision precision : {Precision::kExact, Precision::kInt8}) {
    Decoder straight(config, weights.tensors, precision, 30, 2), winding(config, weights.tensors, precision, 30, 2);
    for (const DecoderInput& in : music.inputs) {
      const int ahead = static_cast<int>(random() % 31);
      if (ahead > 0) fed(winding, detour.inputs.data(), ahead);
      REQUIRE(winding.rollback(ahead));
      REQUIRE(fed(winding, &in) == fed(straight, &in));
    }
    REQUIRE(straight.reachable() == 30);
    REQUIRE_FALSE(straight.rollback(31));
    REQUIRE_FALSE(straight.rollback(-1));
    REQUIRE(straight.length() == 150);
  }
}

TEST_CASE("n tokens at once == n steps") {
  const DecoderConfig config = small_config();
  const Weights weights(config);
  const Music music(config, 5, 100);
  for (const int streams : {1, 2}) {
    Decoder single(config, weights.tensors, Precision::kInt8, 16, streams);
    Decoder batch(config, weights.tensors, Precision::kInt8, 16, streams);
    std::vector<float> expected;
    for (const DecoderInput& in : music.inputs) expected = fed(single, &in);
    REQUIRE(distance(fed(batch, music.inputs.data(), 100), expected) < 1e-5f);
  }
}

TEST_CASE("a style acts by its weight: none at 0, and two halves == a whole") {
  const DecoderConfig config = small_config();
  Weights weights(config);
  const Music music(config, 6, 40);
  const Style style = random_style(weights, config);
  Decoder plain(config, weights.tensors, Precision::kExact, 8, 2), whole(config, weights.tensors, Precision::kExact, 8, 2),
      halves(config, weights.tensors, Precision::kExact, 8, 2);
  whole.set_style(0, style);
  halves.set_style(1, style);
  halves.set_style(3, style);
  for (std::size_t i = 0; i < music.inputs.size(); ++i) {
    const bool acts = i >= 20;
    if (i == 20) {
      whole.set_style_weights({1.0f, 0.0f, 0.0f, 0.0f});
      halves.set_style_weights({0.0f, 0.5f, 0.0f, 0.5f});
    }
    const auto base = fed(plain, &music.inputs[i]), one = fed(whole, &music.inputs[i]), two = fed(halves, &music.inputs[i]);
    REQUIRE(distance(one, two) < 1e-5f);
    REQUIRE((one == base) == !acts);
  }
}

TEST_CASE("200 tokens taken back a thousand times, other chords and blends at every token == a straight run's logits") {
  const DecoderConfig config = small_config();
  Weights weights(config);
  const Style style = random_style(weights, config), other = random_style(weights, config);
  const Music music(config, 9, 1000), detour(config, 10, 200);
  std::mt19937 random(11);
  for (const std::string& kernel : kernel_variants())
    for (const Precision precision : {Precision::kExact, Precision::kInt8}) {
      // Every instruction set goes back; the quickest of them a thousand times.
      const bool best = kernel == kernel_variants().front() && precision == Precision::kInt8;
      Decoder straight(config, weights.tensors, precision, 200, 2, kernel.c_str());
      Decoder winding(config, weights.tensors, precision, 200, 2, kernel.c_str());
      for (Decoder* decoder : {&straight, &winding}) {
        decoder->set_style(0, style);
        decoder->set_style(2, other);
      }
      for (std::size_t i = 0; i < (best ? music.inputs.size() : 8); ++i) {
        const float blend = static_cast<float>(random() % 5) / 4.0f;
        for (int t = 0; t < 200; ++t) {
          if (t % 50 == 49) winding.set_style_weights({1.0f - blend, 0.0f, static_cast<float>(t), 0.0f});
          fed(winding, &detour.inputs[std::size_t(t)]);
        }
        REQUIRE(winding.rollback(200));
        for (Decoder* decoder : {&straight, &winding}) decoder->set_style_weights({blend, 0.0f, 1.0f - blend, 0.0f});
        REQUIRE(fed(winding, &music.inputs[i]) == fed(straight, &music.inputs[i]));
      }
    }
}

TEST_CASE("between two levels rows are mixed; nothing asked == all unknown, and a query adds a row of each control") {
  const DecoderConfig config = small_config();
  Weights weights(config);
  float* rows = weights.dense("control_emb.weight", 10, config.dim);  // role's 0 to 3, density's 4 to 9
  const Music music(config, 12, 1);
  const auto logits = [&](const float* levels) {
    Decoder decoder(config, weights.tensors, Precision::kExact, 8, 2);
    DecoderInput in = music.inputs[0];
    in.levels = levels;
    return fed(decoder, &in);
  };
  const float unknown[] = {-1.0f, -1.0f}, between[] = {2.0f, 1.25f}, at[] = {2.0f, 2.0f};
  REQUIRE(logits(nullptr) == logits(unknown));
  const auto expected = logits(between);
  for (int i = 0; i < config.dim; ++i) rows[6 * config.dim + i] = 0.75f * rows[5 * config.dim + i] + 0.25f * rows[6 * config.dim + i];
  REQUIRE(distance(logits(at), expected) < 1e-6f);
  // Moved from the controls to the token, what is asked is the same.
  std::vector<float> sum(std::size_t(config.dim));
  for (int i = 0; i < config.dim; ++i) sum[std::size_t(i)] = rows[2 * config.dim + i] + rows[6 * config.dim + i];
  std::fill_n(rows, 10 * config.dim, 0.0f);
  std::vector<float> beats(std::size_t(config.beat_bins * config.dim));
  const auto* old = static_cast<const float*>(weights.tensors["beat_emb.weight"].data);
  for (std::size_t i = 0; i < beats.size(); ++i) beats[i] = old[i] + sum[i % std::size_t(config.dim)];
  weights.tensors["beat_emb.weight"].data = beats.data();
  REQUIRE(distance(logits(unknown), expected) < 1e-6f);
}

TEST_CASE("what does not fit is refused by name, and changes nothing") {
  const DecoderConfig config = small_config();
  const Weights weights(config);
  const auto refuses = [&](DecoderConfig c, Tensors tensors, int rollback = 8, const char* kernel = nullptr) {
    REQUIRE_THROWS_AS(Decoder(c, tensors, Precision::kInt8, rollback, 2, kernel), std::invalid_argument);
  };
  for (int DecoderConfig::*field : {&DecoderConfig::dim, &DecoderConfig::band, &DecoderConfig::heads,
                                    &DecoderConfig::ff_dim, &DecoderConfig::context, &DecoderConfig::distances,
                                    &DecoderConfig::num_chords, &DecoderConfig::event_ids})
    for (const int value : {0, -1, 7, 1 << 30}) {
      DecoderConfig changed = config;
      changed.*field = value;
      if (field == &DecoderConfig::num_chords && value == 7) continue;  // fewer chords than there is room for: legal
      refuses(changed, weights.tensors);
    }
  for (const auto& [name, tensor] : weights.tensors) {
    Tensors without = weights.tensors;
    without.erase(name);
    if (name != "sounding_emb.weight") refuses(config, without);
    without[name] = {tensor.kind, tensor.data, tensor.absmax, tensor.rows + 1, tensor.columns};
    refuses(config, without);
  }
  refuses(config, weights.tensors, -1);
  refuses(config, weights.tensors, 8, "abacus");

  Decoder decoder(config, weights.tensors, Precision::kInt8, 8, 2);
  Music music(config, 8, 3);
  for (int DecoderInput::*field : {&DecoderInput::token, &DecoderInput::beat, &DecoderInput::bar, &DecoderInput::num_chords})
    for (const int value : {-1, 1000}) {
      DecoderInput in = music.inputs[0];
      in.*field = value;
      REQUIRE_THROWS_AS(fed(decoder, &in), std::invalid_argument);
    }
  for (const auto& wrong : {std::array{3.0f, 0.0f}, std::array{0.5f, 0.0f}, std::array{0.0f, 4.1f}, std::array{0.0f, -0.5f}}) {
    DecoderInput in = music.inputs[0];
    in.levels = wrong.data();
    REQUIRE_THROWS_AS(fed(decoder, &in), std::invalid_argument);
  }
  music.rows[0][0] = 17;
  REQUIRE_THROWS_AS(fed(decoder, &music.inputs[0]), std::invalid_argument);
  REQUIRE(decoder.length() == 0);
  REQUIRE(decoder.reachable() == 0);
}
