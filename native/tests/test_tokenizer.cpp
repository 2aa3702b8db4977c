#include <cmath>
#include <doctest/doctest.h>
#include <limits>
#include <random>
#include <stdexcept>

#include "layouts.h"
#include "sideman/tokenizer.h"

using namespace sideman;

namespace {

struct Notes {
  std::vector<double> onset_s, offset_s;
  std::vector<std::int64_t> pitch, velocity;

  NoteColumns columns() const { return {onset_s.data(), offset_s.data(), pitch.data(), velocity.data(), pitch.size()}; }
};

constexpr PedalColumns kNoPedal{nullptr, nullptr, 0};

}  // namespace

TEST_CASE("a note is velocity, on, wait, off") {
  const Notes notes{{0.0}, {0.5}, {60}, {64}};
  CHECK(encode(tests::performance_layout(), notes.columns(), kNoPedal) ==
        std::vector<std::uint16_t>{372, 60, 305, 188});
}

TEST_CASE("no notes, no tokens") { CHECK(encode(tests::performance_layout(), Notes{}.columns(), kNoPedal).empty()); }

TEST_CASE("any tokens decode to notes that encode and decode to themselves, whatever the layout") {
  std::mt19937 random(1);
  for (const Layout& layout : {tests::performance_layout(), tests::shuffled_layout()}) {
    for (int round = 0; round < 300; ++round) {
      std::vector<std::uint16_t> ids(random() % 200);
      for (auto& id : ids) id = static_cast<std::uint16_t>(random() % static_cast<unsigned>(layout.num_ids));
      const Decoded once = decode(layout, ids.data(), ids.size());
      Notes notes;
      for (const DecodedNote& note : once.notes) {
        REQUIRE(note.offset_step > note.onset_step);
        notes.onset_s.push_back(static_cast<double>(note.onset_step) * 0.01);
        notes.offset_s.push_back(static_cast<double>(note.offset_step) * 0.01);
        notes.pitch.push_back(note.pitch);
        notes.velocity.push_back(note.velocity);
      }
      const auto tokens = encode(layout, notes.columns(), kNoPedal);
      const Decoded again = decode(layout, tokens.data(), tokens.size());
      REQUIRE(again.notes.size() == once.notes.size());
      for (std::size_t i = 0; i < once.notes.size(); ++i) {
        REQUIRE(again.notes[i].onset_step == once.notes[i].onset_step);
        REQUIRE(again.notes[i].offset_step == once.notes[i].offset_step);
        REQUIRE(again.notes[i].pitch == once.notes[i].pitch);
        REQUIRE(again.notes[i].velocity == once.notes[i].velocity);
      }
    }
  }
}

TEST_CASE("times and ids out of range are refused") {
  const Layout layout = tests::performance_layout();
  for (const double bad : {-0.01, 2e6, std::nan(""), std::numeric_limits<double>::infinity()}) {
    const Notes notes{{bad}, {1.0}, {60}, {64}};
    CHECK_THROWS_AS(encode(layout, notes.columns(), kNoPedal), std::invalid_argument);
  }
  for (const std::int64_t bad : {std::int64_t{-1}, std::int64_t{400}, std::numeric_limits<std::int64_t>::max()})
    CHECK_THROWS_AS(decode(layout, &bad, 1), std::invalid_argument);
}

TEST_CASE("a layout whose blocks overlap is refused") {
  Layout layout = tests::performance_layout();
  layout.note_off = 100;
  CHECK_THROWS_AS(layout.check(), std::invalid_argument);
}
