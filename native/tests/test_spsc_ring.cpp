#include <cstdint>
#include <doctest/doctest.h>
#include <thread>

#include "sideman/spsc_ring.h"

using sideman::SpscRing;

TEST_CASE("a ring takes exactly its capacity, whatever its slots") {
  for (const std::size_t capacity : {1u, 2u, 3u, 7u, 8u, 100u}) {
    SpscRing<int> ring(capacity);
    for (std::size_t i = 0; i < capacity; ++i) REQUIRE(ring.try_push(static_cast<int>(i)));
    CHECK_FALSE(ring.try_push(-1));
    CHECK(ring.size() == capacity);
  }
}

TEST_CASE("items come out in the order they went in, across the wrap") {
  SpscRing<int> ring(5);
  int next_out = 0, next_in = 0, item = -1;
  for (int round = 0; round < 1000; ++round) {
    for (int i = 0; i < round % 6; ++i)
      if (ring.try_push(next_in)) ++next_in;
    for (int i = 0; i < round % 4; ++i)
      if (ring.try_pop(item)) REQUIRE(item == next_out++);
  }
  while (ring.try_pop(item)) REQUIRE(item == next_out++);
  CHECK(next_out == next_in);
}

TEST_CASE("an empty ring gives nothing and leaves the item alone") {
  SpscRing<int> ring(4);
  int item = 42;
  CHECK_FALSE(ring.try_pop(item));
  CHECK(item == 42);
}

TEST_CASE("two threads lose and double nothing") {
  constexpr std::uint64_t kItems = 300'000;
  struct Item {
    std::uint64_t value;
    std::uint64_t check;
  };
  SpscRing<Item> ring(100);
  std::thread producer([&] {
    for (std::uint64_t i = 0; i < kItems;)
      if (ring.try_push({i, ~i}))
        ++i;
      else
        std::this_thread::yield();
  });
  std::uint64_t expected = 0;
  bool intact = true;
  Item item{};
  while (expected < kItems) {
    if (!ring.try_pop(item)) {
      std::this_thread::yield();
      continue;
    }
    intact = intact && item.value == expected && item.check == ~expected;
    ++expected;
  }
  producer.join();
  CHECK(intact);
}
