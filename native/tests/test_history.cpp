#include <algorithm>
#include <cstddef>
#include <deque>
#include <doctest/doctest.h>
#include <random>

#include "sideman/history.h"

using sideman::History;

namespace {

void check_same(const History<int>& history, const std::deque<int>& newest_first) {
  REQUIRE(history.size() == newest_first.size());
  REQUIRE(history.empty() == newest_first.empty());
  for (std::size_t age = 0; age < newest_first.size(); ++age) REQUIRE(history[age] == newest_first[age]);
}

}  // namespace

TEST_CASE("a history is the last so many, the newest first, whatever is added and taken back") {
  std::mt19937 draw(1);
  for (const std::size_t longest : {1u, 2u, 7u, 64u}) {
    History<int> history(longest);
    std::deque<int> expected;
    for (int i = 0; i < 1000; ++i) {
      if (draw() % 3 == 0 && !expected.empty()) {
        history.take_back();
        expected.pop_front();
      } else {
        history.add(i);
        expected.push_front(i);
        if (expected.size() > longest) expected.pop_back();
      }
      check_same(history, expected);
    }
  }
}

TEST_CASE("a copy reaches back as far as it can, and goes on for itself") {
  for (const std::size_t from : {1u, 5u, 9u})
    for (const std::size_t to : {1u, 5u, 9u})
      for (const int added : {0, 3, 20}) {
        History<int> original(from), copy(to);
        copy.add(-1);
        for (int i = 0; i < added; ++i) original.add(i);
        copy.copy(original);
        std::deque<int> expected;
        for (std::size_t age = 0; age < std::min(original.size(), to); ++age) expected.push_back(original[age]);
        check_same(copy, expected);
        copy.add(99);
        expected.push_front(99);
        if (expected.size() > to) expected.pop_back();
        check_same(copy, expected);
      }
}
