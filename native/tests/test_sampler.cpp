#include <cmath>
#include <doctest/doctest.h>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "layouts.h"
#include "near.h"
#include "sideman/sampler.h"

using namespace sideman;

namespace {

std::vector<double> distribution(Sampler& sampler, const std::vector<float>& logits) {
  std::vector<double> probabilities(logits.size());
  REQUIRE(sampler.distribution(logits.data(), probabilities.data()));
  return probabilities;
}

SamplerParams random_params(std::mt19937& random) {
  SamplerParams params;
  params.top_k = static_cast<int>(random() % 3 * 20);
  params.top_p = static_cast<double>(random() % 11) / 10.0;
  params.min_p = static_cast<double>(random() % 3) / 10.0;
  params.register_low = static_cast<int>(random() % 128);
  params.register_high = static_cast<int>(random() % 128);
  params.polyphony = 1 + static_cast<int>(random() % 16);
  params.repetition = 1.0 + static_cast<double>(random() % 2);
  params.scale_mask = static_cast<int>(random() % 4096);
  return params;
}

}  // namespace

TEST_CASE("whatever is drawn is allowed, and something always is, whatever the layout") {
  for (const Layout& layout : {tests::performance_layout(), tests::shuffled_layout()}) {
    std::mt19937 random(3);
    std::normal_distribution<float> normal(0.0f, 4.0f);
    Sampler sampler(layout, 11, 100);
    std::vector<float> logits(400);
    std::unique_ptr<bool[]> mask(new bool[400]);
    for (int n = 0; n < 5000; ++n) {
      if (n % 20 == 0) sampler.set_params(random_params(random));
      for (float& logit : logits) logit = normal(random);
      const auto token = sampler.sample(logits.data());
      REQUIRE(token);
      sampler.allowed(mask.get());
      REQUIRE(mask[static_cast<std::size_t>(*token)]);
      REQUIRE(sampler.advance(n % 5 == 0 ? static_cast<int>(random() % 400) : *token));
      if (n % 7 == 0) sampler.rollback(random() % (sampler.reachable() + 1) / 2);
    }
  }
}

TEST_CASE("rollback(n) == never having advanced n tokens") {
  const Layout layout = tests::performance_layout();
  std::mt19937 random(5);
  std::vector<float> logits(400);
  for (std::size_t i = 0; i < 400; ++i) logits[i] = static_cast<float>(i % 17) * 0.3f;
  SamplerParams params;
  params.repetition = 1.7;
  for (int round = 0; round < 200; ++round) {
    Sampler there_and_back(layout, 1, 150), fresh(layout, 1, 150);
    there_and_back.set_params(params);
    fresh.set_params(params);
    const std::size_t past = random() % 300, undone = random() % 150;
    for (std::size_t n = 0; n < past; ++n) {
      const int token = static_cast<int>(random() % 400);
      there_and_back.advance(token);
      fresh.advance(token);
    }
    for (std::size_t n = 0; n < undone; ++n) there_and_back.advance(static_cast<int>(random() % 400));
    REQUIRE(there_and_back.rollback(undone));
    REQUIRE(there_and_back.length() == fresh.length());
    REQUIRE(distribution(there_and_back, logits) == distribution(fresh, logits));
    REQUIRE(there_and_back.sample(logits.data()) == fresh.sample(logits.data()));
  }
}

TEST_CASE("rollback beyond what is remembered changes nothing") {
  Sampler sampler(tests::performance_layout(), 1, 10);
  for (int n = 0; n < 30; ++n) sampler.advance(355);
  CHECK_FALSE(sampler.rollback(11));
  CHECK(sampler.length() == 30);
  CHECK(sampler.rollback(10));
  CHECK_FALSE(sampler.rollback(1));
}

TEST_CASE("logits without a distribution draw nothing") {
  Sampler sampler(tests::performance_layout(), 1);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    const std::vector<float> logits(400, bad);
    CHECK_FALSE(sampler.sample(logits.data()));
  }
}

TEST_CASE("probabilities sum to 1 at the ends of every range") {
  Sampler sampler(tests::performance_layout(), 1);
  sampler.advance(370);
  std::vector<float> logits(400);
  for (std::size_t i = 0; i < 400; ++i) logits[i] = i % 2 == 0 ? 3e38f : -3e38f;
  for (const double temperature : {1e-3, 1e3}) {
    for (const double top_p : {0.0, 1.0}) {
      SamplerParams params;
      params.temperature = temperature;
      params.top_p = top_p;
      sampler.set_params(params);
      double sum = 0.0;
      for (const double p : distribution(sampler, logits)) sum += p;
      CHECK(tests::near(sum, 1.0));
    }
  }
}
