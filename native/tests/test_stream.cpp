#include <algorithm>
#include <cmath>
#include <doctest/doctest.h>
#include <random>
#include <stdexcept>
#include <vector>

#include "layouts.h"
#include "random_network.h"
#include "stream_setup.h"
#include "sideman/stream.h"

using namespace sideman;
using sideman::tests::performance_layout;
using sideman::tests::stream_config;
using sideman::tests::stream_rules;
using sideman::tests::Weights;

namespace {

constexpr int kRollback = 200;

struct Player {
  Decoder decoder;
  Stream stream;

  explicit Player(const Weights& weights, std::uint64_t seed = 1, int streams = 2)
      : decoder(stream_config(), weights.tensors, Precision::kInt8, kRollback + 1, streams),
        stream(decoder, performance_layout(), stream_rules(), seed, kRollback) {}

  std::vector<StreamEvent> generate(std::int64_t until, std::size_t capacity = 1 << 14) {
    std::vector<StreamEvent> events(capacity), all;
    for (std::size_t count = capacity; count == capacity;) {
      count = stream.generate(until, events.data(), capacity);
      all.insert(all.end(), events.begin(), events.begin() + static_cast<std::ptrdiff_t>(count));
    }
    return all;
  }
};

bool same(const std::vector<StreamEvent>& a, const std::vector<StreamEvent>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const StreamEvent& x, const StreamEvent& y) {
    return x.step == y.step && x.pitch == y.pitch && x.velocity_bin == y.velocity_bin;
  });
}

}  // namespace

TEST_CASE("rollback(t) == never having gone beyond t, whatever was generated, fed or changed there") {
  const Weights weights(stream_config());
  Player straight(weights), detour(weights);
  std::mt19937 random(2);
  const auto below = [&](int end) { return static_cast<int>(random() % static_cast<unsigned>(end)); };
  std::vector<std::int64_t> ids(90, 400), steps(90, 0);
  std::int64_t now = 0;
  REQUIRE(same(detour.generate(now), straight.generate(now)));
  for (int round = 0; round < 60; ++round) {
    for (std::size_t i = 1; i < ids.size(); ++i) {
      ids[i] = 400 + below(289);
      steps[i] = steps[i - 1] + below(60);
    }
    const Beat beat{60.0 + below(140), 1 + below(7), below(100) / 10.0};
    const float levels[] = {static_cast<float>(below(4) - 1), static_cast<float>(below(31)) / 10.0f, -1.0f, -1.0f};
    detour.generate(now + below(30));
    const StreamEvent fed[] = {{detour.stream.until() + 5, 60, 9}, {detour.stream.until() + 9, 60, -1}};
    detour.stream.feed(fed, 2);
    detour.stream.mark(detour.stream.until() + 3, 393);
    detour.generate(detour.stream.until() + below(40));
    // Both: a wait that a change of chords has put there, with nothing after it, is taken back as well.
    REQUIRE(straight.stream.rollback(now));
    REQUIRE(detour.stream.rollback(now));
    for (Player* player : {&straight, &detour}) {
      player->stream.set_chords(ids.data(), steps.data(), ids.size(), now);
      player->stream.set_beat(beat);
      player->stream.set_levels(levels, 4);
      player->stream.set_phrase(beat.origin_s);
      player->stream.set_form({{{2.0, 4.0, 0.0, 1}}, 4.0, std::nullopt});
      player->stream.set_theme(round % 5 / 4.0);
      player->stream.set_ending(now + 10 * round);
    }
    now += 1 + below(40);
    REQUIRE(same(detour.generate(now), straight.generate(now)));
    REQUIRE(detour.stream.length() == straight.stream.length());
    REQUIRE(detour.stream.log_probability() == straight.stream.log_probability());
  }
}

TEST_CASE("a mark is a token at its step, free, and no event") {
  const Weights weights(stream_config());
  Player player(weights);
  player.generate(100);
  player.stream.logits();
  const double before = player.stream.log_probability();
  const auto length = player.stream.length();
  const auto step = player.stream.step();
  player.stream.mark(step, 393);
  REQUIRE(player.stream.length() == length + 1);
  REQUIRE(player.stream.log_probability() == before);
  player.stream.mark(step + 7, 393);
  REQUIRE(player.stream.step() == step + 7);
  for (const int token : {-1, 60, 256, 356, 391, 400}) REQUIRE_THROWS_AS(player.stream.mark(200, token), std::invalid_argument);
  REQUIRE(player.stream.length() == length + 3);
}

TEST_CASE("what is handed out does not depend on the room for it") {
  const Weights weights(stream_config());
  Player whole(weights, 7), pieces(weights, 7);
  const auto expected = whole.generate(3000);
  REQUIRE(expected.size() > 50);
  REQUIRE(same(pieces.generate(3000, 1), expected));
  REQUIRE(pieces.stream.until() == 3000);
}

TEST_CASE("what comes after the first strike does not depend on having stopped there") {
  const Weights weights(stream_config());
  Player whole(weights, 7), pieces(weights, 7);
  const auto expected = whole.generate(3000);
  std::vector<StreamEvent> events(1 << 10), all;
  while (pieces.stream.until() < 3000) {
    const std::size_t count = pieces.stream.generate(3000, events.data(), events.size(), true);
    const auto strikes = std::count_if(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(count),
                                       [](const StreamEvent& event) { return event.velocity_bin >= 0; });
    REQUIRE(strikes <= 1);
    REQUIRE((strikes == 1 || pieces.stream.until() == 3000));
    all.insert(all.end(), events.begin(), events.begin() + static_cast<std::ptrdiff_t>(count));
  }
  const auto rest = pieces.generate(3000);
  all.insert(all.end(), rest.begin(), rest.end());
  REQUIRE(same(all, expected));
}

TEST_CASE("guidance that begins later: one stream until then, two from then on, and the first goes on as ever") {
  const Weights weights(stream_config());
  Player one(weights, 7, 1), two(weights, 7, 2);
  const SamplerParams params;
  const std::int64_t ids[] = {400, 405}, steps[] = {0, 150};
  const auto differs = [](Stream& stream) {
    const float* logits = stream.logits();
    return !std::equal(logits, logits + 400, logits + 400);
  };
  for (Player* player : {&one, &two}) player->stream.set_chords(ids, steps, 2, 0);
  REQUIRE(same(one.generate(600), two.generate(600)));
  for (Player* player : {&one, &two}) player->stream.set_params(params, 1.0f);
  REQUIRE(one.decoder.streams() == 1);
  REQUIRE(!differs(one.stream));

  for (Player* player : {&one, &two}) player->stream.set_params(params, 2.0f);
  REQUIRE(one.decoder.streams() == 2);
  REQUIRE(differs(one.stream));
  Decoder decoder(one.decoder, 50);  // a fork has what its parent has
  Stream fork(decoder, one.stream, 8, 49);
  REQUIRE(decoder.streams() == 2);
  REQUIRE(differs(fork));

  REQUIRE(!one.generate(900).empty());
  REQUIRE(one.stream.rollback(600));
  REQUIRE(two.stream.rollback(600));
  for (Player* player : {&one, &two}) player->stream.set_params(params, 1.0f);  // with the chords alone nothing was lost
  REQUIRE(same(one.generate(1200), two.generate(1200)));
  REQUIRE(one.decoder.streams() == 2);
}

TEST_CASE("what is asked is met by the next token: levels, the bar of the phrase, the time that is left") {
  const Weights weights(stream_config());
  const auto logits = [](Player& player) { return std::vector<float>(player.stream.logits(), player.stream.logits() + 800); };
  Player plain(weights), asked(weights);
  for (Player* player : {&plain, &asked}) {
    player->stream.set_beat(Beat{60.0, 4, 0.0});
    player->generate(1000);
  }
  const auto unknown = logits(plain);
  const auto differs = [&](float role, float loudness) {
    const float levels[] = {role, loudness, -1.0f, -1.0f};
    asked.stream.set_levels(levels, 4);
    return logits(asked) != unknown;
  };
  REQUIRE(differs(2.0f, -1.0f));
  REQUIRE(differs(-1.0f, 1.5f));
  REQUIRE_FALSE(differs(-1.0f, -1.0f));
  std::vector<std::vector<float>> seen{unknown};
  const auto is_new = [&] {
    const bool known = std::find(seen.begin(), seen.end(), logits(asked)) != seen.end();
    seen.push_back(logits(asked));
    return !known;
  };
  for (const std::int64_t left : {10, 100, 300, 3000}) {  // a level each
    asked.stream.set_ending(asked.stream.step() + left);
    REQUIRE(is_new());
  }
  for (const std::int64_t left : {0, -500, 49, 3001}) {  // levels of old
    asked.stream.set_ending(asked.stream.step() + left);
    REQUIRE_FALSE(is_new());
  }
  asked.stream.set_ending(std::nullopt);
  REQUIRE(logits(asked) == unknown);
  const double now_s = static_cast<double>(asked.stream.step()) / 100.0;
  for (int bar = 0; bar < 8; ++bar) {
    asked.stream.set_phrase(now_s - 4.0 * bar + 0.03);  // 30 ms early is in time
    REQUIRE(is_new());
  }
  asked.stream.set_phrase(now_s - 32.0);
  REQUIRE_FALSE(is_new());
  asked.stream.set_phrase(now_s + 1.0);  // before the form
  REQUIRE(logits(asked) == unknown);
}

TEST_CASE("every note that starts ends, once, and no sooner than it starts") {
  const Weights weights(stream_config());
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    Player player(weights, seed);
    std::vector<StreamEvent> events = player.generate(2000);
    StreamEvent ends[kPitches];
    events.insert(events.end(), ends, ends + player.stream.end(ends));
    std::vector<std::int64_t> onset(kPitches, -1);
    for (const StreamEvent& event : events) {
      std::int64_t& started = onset[static_cast<std::size_t>(event.pitch)];
      REQUIRE((event.velocity_bin >= 0) == (started < 0));
      REQUIRE(event.step >= started);
      started = event.velocity_bin >= 0 ? event.step : -1;
    }
    REQUIRE(std::all_of(onset.begin(), onset.end(), [](std::int64_t started) { return started < 0; }));
    REQUIRE(player.stream.sounding().empty());
  }
}

TEST_CASE("beyond what is remembered nothing is taken back") {
  const Weights weights(stream_config());
  Player player(weights);
  while (player.stream.length() < 3 * kRollback) player.generate(player.stream.until() + 100);
  const std::int64_t until = player.stream.until();
  const std::uint64_t length = player.stream.length();
  REQUIRE_FALSE(player.stream.rollback(0));
  REQUIRE(player.stream.until() == until);
  REQUIRE(player.stream.length() == length);
}

TEST_CASE("bins of the beat: a moment belongs to the nearest, and bars have any number of beats") {
  const Beat unknown;
  REQUIRE(unknown.bins(3.0, 24, 8) == std::pair(24, 8));
  const Beat waltz{120.0, 3, 1.0};
  REQUIRE(waltz.bins(1.0, 24, 8) == std::pair(0, 0));
  REQUIRE(waltz.bins(0.99, 24, 8) == std::pair(0, 0));   // half a bin is 10.4 ms here
  REQUIRE(waltz.bins(0.98, 24, 8) == std::pair(23, 2));  // before the first bar line bars go on backwards
  REQUIRE(waltz.bins(2.25, 24, 8) == std::pair(12, 2));
  const Beat long_bar{60.0, 300, 0.0};
  REQUIRE(long_bar.bins(40.0, 24, 8) == std::pair(0, 7));
  REQUIRE(long_bar.bins(255.0, 24, 8) == std::pair(0, 8));
}

TEST_CASE("what does not fit is refused, and changes nothing") {
  const Weights weights(stream_config());
  Player player(weights);
  for (const StreamEvent& event : {StreamEvent{0, 128, 3}, StreamEvent{0, -1, 3}, StreamEvent{0, 60, 32}})
    REQUIRE_THROWS_AS(player.stream.feed(&event, 1), std::invalid_argument);
  const float levels[] = {-1.0f, 3.0f, -1.0f, 7.0f}, half[] = {0.5f, 3.0f, -1.0f, 7.0f}, beyond[] = {0.0f, 3.1f, -1.0f, 7.0f};
  const float below[] = {-0.5f, 3.0f, -1.0f, 7.0f}, none[] = {std::nanf(""), 3.0f, -1.0f, 7.0f};
  for (const float* wrong : {half, beyond, below, none})
    REQUIRE_THROWS_AS(player.stream.set_levels(wrong, 4), std::invalid_argument);
  REQUIRE_THROWS_AS(player.stream.set_levels(levels, 3), std::invalid_argument);
  player.stream.set_levels(levels, 4);
  const std::int64_t ids[] = {400, 401}, late[] = {1, 2}, falling[] = {0, -1};
  REQUIRE_THROWS_AS(player.stream.set_chords(ids, late, 2, 0), std::invalid_argument);
  REQUIRE_THROWS_AS(player.stream.set_chords(ids, falling, 2, 0), std::invalid_argument);
  REQUIRE_THROWS_AS(player.stream.set_chords(ids, late, 0, 0), std::invalid_argument);
  const std::int64_t rising[] = {0, 5};
  for (const std::int64_t chord : {399, 689, 700, -1}) {
    const std::int64_t unknown[] = {400, chord};
    REQUIRE_THROWS_AS(player.stream.set_chords(unknown, rising, 2, 0), std::invalid_argument);
  }
  const double nan = std::nan(""), inf = HUGE_VAL;
  for (const Beat& beat : {Beat{}, Beat{nan, 4, 0.0}, Beat{inf, 4, 0.0}, Beat{-1.0, 4, 0.0}, Beat{1e300, 4, 0.0},
                           Beat{120.0, 0, 0.0}, Beat{120.0, -1, 0.0}, Beat{120.0, 4, nan}, Beat{120.0, 4, 1e300}})
    REQUIRE_THROWS_AS(player.stream.set_beat(beat), std::invalid_argument);
  const std::int64_t far = std::int64_t{1} << 62;
  const StreamEvent late_event{far, 60, 3};
  for (const double wrong : {nan, inf, -inf, -1e10}) {
    REQUIRE_THROWS_AS(player.stream.set_phrase(wrong), std::invalid_argument);
    REQUIRE_THROWS_AS(player.stream.set_theme(wrong), std::invalid_argument);
    REQUIRE_THROWS_AS(player.stream.set_params({}, wrong), std::invalid_argument);
    REQUIRE_THROWS_AS(player.stream.set_form({{}, wrong, std::nullopt}), std::invalid_argument);
  }
  REQUIRE_THROWS_AS(player.stream.set_ending(far), std::invalid_argument);
  REQUIRE_THROWS_AS(player.stream.shift(far), std::invalid_argument);
  REQUIRE_THROWS_AS(player.stream.feed(&late_event, 1), std::invalid_argument);
  REQUIRE_FALSE(player.stream.rollback(far));
  REQUIRE(player.stream.length() == 0);
  REQUIRE(player.decoder.length() == 0);
}
