#include <cmath>
#include <doctest/doctest.h>
#include <random>
#include <string>
#include <vector>

#include "decoder/arena.h"
#include "decoder/kernels/kernels.h"
#include "decoder/key_values.h"
#include "decoder/linear.h"
#include "near.h"

using namespace sideman;
using tests::near;

namespace {

std::vector<float> normals(std::mt19937& random, int count, float scale = 1.0f) {
  std::normal_distribution<float> normal(0.0f, scale);
  std::vector<float> values(std::size_t(count) + 16);  // kernels read whole vectors
  for (int i = 0; i < count; ++i) values[std::size_t(i)] = normal(random);
  return values;
}

void require_near(const std::vector<float>& a, const std::vector<float>& b, int count, float tolerance) {
  float peak = 1e-6f;
  for (int i = 0; i < count; ++i) peak = std::max(peak, std::abs(b[std::size_t(i)]));
  for (int i = 0; i < count; ++i)
    REQUIRE(std::abs(a[std::size_t(i)] - b[std::size_t(i)]) <= tolerance * peak);
}

/// NF4 weights as a checkpoint holds them.
struct Codes {
  std::vector<std::uint8_t> codes;
  std::vector<float> absmax;
  Tensor tensor;

  Codes(std::mt19937& random, int rows, int columns)
      : codes(std::size_t(rows * columns / 2)), absmax(std::size_t(rows * columns / 64)) {
    for (auto& code : codes) code = static_cast<std::uint8_t>(random());
    for (auto& scale : absmax) scale = 0.01f + static_cast<float>(random() % 1000) * 1e-4f;
    tensor = {Tensor::Kind::kNf4, codes.data(), absmax.data(), rows, columns};
  }
  double weight(int row, int column) const {
    const int at = row * tensor.columns + column;
    const int code = at % 2 == 0 ? codes[std::size_t(at / 2)] >> 4 : codes[std::size_t(at / 2)] & 15;
    return static_cast<double>(kNf4Levels[code]) * static_cast<double>(absmax[std::size_t(at / 64)]);
  }
};

}  // namespace

TEST_CASE("the portable kernels run everywhere, and every name is one") {
  const auto variants = available_kernels();
  REQUIRE(variants.back() == &kPortableKernels);
  std::string names;
  for (const Kernels* variant : variants) {
    REQUIRE(std::string(variant->name).size() > 3);
    names += std::string(" ") + variant->name;
  }
  MESSAGE("kernels of this machine:" << names);  // who runs this under an emulator wants to know
}

TEST_CASE("a matrix product == the sum in doubles, by every kernel, for every count of columns and any row groups") {
  std::mt19937 random(1);
  for (const Kernels* kernels : available_kernels())
    for (const int rows : {16, 48, 64, 144})
      for (const int columns : {64, 192}) {
        const Codes w(random, rows, columns);
        Arena arena;
        const Linear fine(w.tensor, false, arena), bytes(w.tensor, true, arena);
        for (const int count : {1, 2, 3, 5}) {
          auto x = normals(random, count * columns);
          std::vector<std::int16_t> q(std::size_t(count * columns));
          std::vector<float> words(std::size_t(kInputWords * count * columns / 64)), exact(std::size_t(count * rows));
          std::vector<float> fast = exact, coarse = exact, portable = exact;
          const float none[Decoder::kStyles] = {};
          const Rows in{x.data(), q.data(), words.data(), count, columns};
          const auto apply = [&](const Linear& linear, const Kernels& by, std::vector<float>& y) {
            linear.product(by).quantise(x.data(), count * columns, q.data(), words.data());
            linear.apply(by, false, in, none, y.data(), rows, nullptr);
          };
          fine.apply(*kernels, true, in, none, exact.data(), rows, nullptr);
          apply(fine, *kernels, fast);
          apply(bytes, *kernels, coarse);
          apply(bytes, kPortableKernels, portable);
          require_near(coarse, portable, count * rows, 1e-6f);  // the same bytes everywhere
          for (int c = 0; c < count; ++c)
            for (int row = 0; row < rows; ++row) {
              double sum = 0.0, size = 0.0;
              for (int k = 0; k < columns; ++k) {
                const double product = w.weight(row, k) * static_cast<double>(x[std::size_t(c * columns + k)]);
                sum += product;
                size += std::abs(product);
              }
              REQUIRE(std::abs(static_cast<double>(exact[std::size_t(c * rows + row)]) - sum) <= 1e-6 * size);
              REQUIRE(std::abs(static_cast<double>(fast[std::size_t(c * rows + row)]) - sum) <= 5e-4 * size);
              REQUIRE(std::abs(static_cast<double>(coarse[std::size_t(c * rows + row)]) - sum) <= 1e-2 * size);
            }
        }
      }
}

TEST_CASE("the largest codes and inputs do not overflow") {
  for (const Kernels* kernels : available_kernels())
    for (const std::uint8_t code : {std::uint8_t{0xFF}, std::uint8_t{0x00}})
      for (const float value : {-3.0f, 3.0f})
        for (const bool byte_levels : {false, true}) {
          std::vector<std::uint8_t> codes(16 * 64 / 2, code);
          std::vector<float> absmax(16, 1.0f), x(64, value), y(16), words(kInputWords);
          std::vector<std::int16_t> q(64);
          Arena arena;
          const Linear linear({Tensor::Kind::kNf4, codes.data(), absmax.data(), 16, 64}, byte_levels, arena);
          linear.product(*kernels).quantise(x.data(), 64, q.data(), words.data());
          const float none[Decoder::kStyles] = {};
          linear.apply(*kernels, false, {x.data(), q.data(), words.data(), 1, 64}, none, y.data(), 16, nullptr);
          const double error = byte_levels ? 6e-3 : 2e-3;  // of levels and inputs that are rounded
          for (const float sum : y) REQUIRE(near(sum, (code == 0 ? -64.0f : 64.0f) * value, error));
        }
}

TEST_CASE("whatever a kernel computes, the portable one computes too") {
  std::mt19937 random(2);
  const Kernels& portable = kPortableKernels;
  for (const Kernels* kernels : available_kernels())
    for (const int dim : {16, 48, 64, 80})
      for (const int positions : {16, 48, 112}) {
        const int size = dim * positions;
        const auto floats = normals(random, size);
        const auto scales = normals(random, positions);
        std::vector<std::int16_t> words(std::size_t(size) + 64);
        for (auto& word : words) word = static_cast<std::int16_t>(static_cast<int>(random() % 16383) - 8191);

        const float q_scale[] = {0.5f};
        const auto x = normals(random, dim);
        auto w = normals(random, positions);
        for (float& weight : w) weight = std::abs(weight);
        std::vector<std::int16_t> q(static_cast<std::size_t>(dim)), q2 = q, wq(static_cast<std::size_t>(positions));
        const float limit = kSumLimit / kInt16Limit;
        REQUIRE(near(kernels->quantise(x.data(), dim, static_cast<float>(kQueryLimit), limit, q.data()),
                     portable.quantise(x.data(), dim, static_cast<float>(kQueryLimit), limit, q2.data())));
        for (int i = 0; i < dim; ++i) REQUIRE(std::abs(q[std::size_t(i)] - q2[std::size_t(i)]) <= 1);
        portable.quantise(w.data(), positions, static_cast<float>(kQueryLimit), limit, wq.data());

        auto got = normals(random, std::max(dim, positions)), expected = got;
        kernels->scores_i16(words.data(), scales.data(), positions / 16, dim, q2.data(), q_scale, 1, got.data(), positions);
        portable.scores_i16(words.data(), scales.data(), positions / 16, dim, q2.data(), q_scale, 1, expected.data(), positions);
        require_near(got, expected, positions, 1e-6f);
        kernels->scores_f32(floats.data(), positions / 16, dim, x.data(), 1, got.data(), positions);
        portable.scores_f32(floats.data(), positions / 16, dim, x.data(), 1, expected.data(), positions);
        require_near(got, expected, positions, 1e-5f);

        got = expected = normals(random, std::max(dim, positions));
        kernels->mix_i16(words.data(), positions, dim, wq.data(), 0.01f, got.data());
        portable.mix_i16(words.data(), positions, dim, wq.data(), 0.01f, expected.data());
        require_near(got, expected, dim, 1e-6f);
        kernels->mix_f32(floats.data(), positions, dim, w.data(), got.data());
        portable.mix_f32(floats.data(), positions, dim, w.data(), expected.data());
        require_near(got, expected, dim, 1e-5f);

        got = expected = normals(random, positions, 30.0f);
        REQUIRE(kernels->max(got.data(), positions) == portable.max(expected.data(), positions));
        REQUIRE(near(kernels->sum(got.data(), positions), portable.sum(expected.data(), positions), 1.2e-5, 1e-3));
        REQUIRE(near(kernels->exp_sum(got.data(), positions, 40.0f), portable.exp_sum(expected.data(), positions, 40.0f)));
        require_near(got, expected, positions, 1e-5f);
        kernels->layer_norm(x.data(), w.data(), w.data(), 16, got.data());
        portable.layer_norm(x.data(), w.data(), w.data(), 16, expected.data());
        require_near(got, expected, 16, 1e-5f);
        kernels->dots(floats.data(), 3, dim, floats.data(), 3, got.data());
        portable.dots(floats.data(), 3, dim, floats.data(), 3, expected.data());
        require_near(got, expected, 9, 1e-5f);
        got = expected = normals(random, 3 * dim);
        kernels->add_rows(floats.data(), 3, dim, w.data(), 3, got.data(), dim);
        portable.add_rows(floats.data(), 3, dim, w.data(), 3, expected.data(), dim);
        require_near(got, expected, 3 * dim, 1e-5f);
        kernels->squared_relu(got.data(), dim);
        portable.squared_relu(expected.data(), dim);
        require_near(got, expected, dim, 1e-5f);
        got = expected = normals(random, positions);
        kernels->dense({floats.data(), positions / 16, dim}, x.data(), 1, got.data(), 0);
        portable.dense({floats.data(), positions / 16, dim}, x.data(), 1, expected.data(), 0);
        require_near(got, expected, positions, 1e-5f);
      }
}

TEST_CASE("keys and values: scores and mixes of whole numbers are exact in every precision, for one stream and for two") {
  std::mt19937 random(3);
  for (const Kernels* kernels : available_kernels())
    for (const auto& [precision, peak] : {std::pair(Precision::kInt8, kInt8Limit), std::pair(Precision::kInt16, kInt16Limit),
                                          std::pair(Precision::kExact, 99)})
      for (const int head_dim : {16, 34, 64, 80}) {
        constexpr int kHeads = 2, kPositions = 112;
        const double rounded = precision == Precision::kInt16 ? 1e-4 : 1e-6;  // where sums have no room for whole numbers
        Arena arena;
        KeyValues cache(kHeads, head_dim, kPositions, precision, true, arena);
        const auto filled = [&](int count, int at_most) {
          std::vector<float> all(static_cast<std::size_t>(count));
          for (int i = 0; i < count; ++i)  // at its peak once a head, so that its scale is 1
            all[std::size_t(i)] = static_cast<float>(
                i % head_dim == 0 ? at_most : static_cast<int>(random() % static_cast<unsigned>(2 * at_most + 1)) - at_most);
          return all;
        };
        const auto keys = filled(kPositions * kHeads * head_dim, peak), values = filled(kPositions * kHeads * head_dim, peak);
        for (int position = 0; position < kPositions; ++position)
          cache.write(*kernels, position, keys.data() + position * kHeads * head_dim,
                      values.data() + position * kHeads * head_dim);
        const auto queries = filled(2 * head_dim, precision == Precision::kExact ? 99 : kQueryLimit);
        Query query;
        query.x = arena.take<float>(512);
        query.q = arena.take<std::int16_t>(512);
        for (int stream = 0; stream < 2; ++stream) cache.prepare(*kernels, queries.data() + stream * head_dim, query, stream);
        const auto at = [&](const std::vector<float>& all, int position, int i) {
          return static_cast<double>(all[std::size_t((position * kHeads + 1) * head_dim + i)]);
        };
        std::vector<float> both(2 * kPositions), one(kPositions);
        cache.scores(*kernels, 1, 0, kPositions / 16, query, both.data(), 0, 2, kPositions);
        for (int stream = 0; stream < 2; ++stream) {
          cache.scores(*kernels, 1, 1, kPositions / 16 - 1, query, one.data() + 16, stream);
          for (int position = 0; position < kPositions; ++position) {
            double sum = 0.0, size = 0.0;
            for (int i = 0; i < head_dim; ++i) {
              const double product = at(keys, position, i) * static_cast<double>(queries[std::size_t(stream * head_dim + i)]);
              sum += product;
              size += std::abs(product);
            }
            const float got = both[std::size_t(stream * kPositions + position)];
            REQUIRE(std::abs(static_cast<double>(got) - sum) <= rounded * size);
            REQUIRE((position < 16 || one[std::size_t(position)] == got));
          }
        }
        std::vector<float> weights(kPositions), mixed(std::size_t(cache.padded_dim()));
        for (auto& weight : weights) weight = static_cast<float>(random() % (precision == Precision::kExact ? 99 : kQueryLimit));
        weights[16] = precision == Precision::kExact ? 98.0f : static_cast<float>(kQueryLimit);
        const auto kept = weights;
        std::vector<std::int16_t> integers(kPositions);
        cache.mix(*kernels, 1, 16, kPositions - 16, weights.data() + 16, integers.data(), mixed.data());
        for (int i = 0; i < head_dim; ++i) {
          double sum = 0.0, size = 0.0;
          for (int position = 16; position < kPositions; ++position) {
            const double product = at(values, position, i) * static_cast<double>(kept[std::size_t(position)]);
            sum += product;
            size += std::abs(product);
          }
          REQUIRE(std::abs(static_cast<double>(mixed[std::size_t(i)]) - sum) <= rounded * size);
        }
      }
}

TEST_CASE("exp_sum == the C library's exp, and exactly 0 where nothing is left") {
  for (const Kernels* kernels : available_kernels()) {
    std::vector<float> x(16 * 64), e = x;
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = -90.0f + 0.09f * static_cast<float>(i);
    e = x;
    x[3] = e[3] = -INFINITY;
    kernels->exp_sum(e.data(), static_cast<int>(e.size()), 1.0f);
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (x[i] - 1.0f < -87.0f) REQUIRE(e[i] == 0.0f);
      else REQUIRE(near(e[i], std::exp(x[i] - 1.0f), 3e-7));
    }
  }
}
