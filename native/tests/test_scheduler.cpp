#include <array>
#include <doctest/doctest.h>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "sideman/scheduler.h"

using namespace sideman;

namespace {

MidiEvent on(int due_us, int pitch = 60) { return {Micros{due_us}, 0x90, static_cast<std::uint8_t>(pitch), 64}; }
MidiEvent off(int due_us, int pitch = 60) { return {Micros{due_us}, 0x80, static_cast<std::uint8_t>(pitch), 0}; }

/// Due times of what is handed out, ends negated.
std::vector<int> poll(Scheduler& scheduler, int now_us) {
  std::array<MidiEvent, 64> out;
  std::vector<int> times;
  const std::size_t count = scheduler.poll(Micros{now_us}, out.data(), out.size());
  for (std::size_t i = 0; i < count; ++i) {
    const int due = static_cast<int>(out[i].due.count());
    times.push_back(is_note_off(out[i]) ? -due : due);
  }
  return times;
}

using Times = std::vector<int>;

}  // namespace

TEST_CASE("what is due comes in order and nothing else") {
  Scheduler scheduler(16);
  for (const MidiEvent& event : {on(30, 1), on(10, 2), off(40, 1), off(20, 2)}) REQUIRE(scheduler.push(event));
  CHECK(poll(scheduler, 9) == Times{});
  CHECK(poll(scheduler, 30) == Times{10, -20, 30});
  CHECK(poll(scheduler, 99) == Times{-40});
}

TEST_CASE("a cancelled note is withdrawn whole, a sounding one keeps sounding until its new end") {
  Scheduler scheduler(16);
  for (const MidiEvent& event : {on(10, 1), off(50, 1), on(40, 2), off(60, 2)}) REQUIRE(scheduler.push(event));
  CHECK(poll(scheduler, 20) == Times{10});
  REQUIRE(scheduler.cancel_from(Micros{30}));
  CHECK(poll(scheduler, 99) == Times{});
  CHECK(scheduler.is_sounding(1));
  REQUIRE(scheduler.push(off(70, 1)));
  CHECK(poll(scheduler, 99) == Times{-70});
}

TEST_CASE("a late cancel ends the notes it could not stop") {
  Scheduler scheduler(16);
  for (const MidiEvent& event : {on(10, 1), off(50, 1), on(10, 2)}) REQUIRE(scheduler.push(event));
  CHECK(poll(scheduler, 20) == Times{10, 10});
  REQUIRE(scheduler.cancel_from(Micros{5}));
  CHECK(poll(scheduler, 20) == Times{-5});  // key 2 had no end queued
  CHECK(poll(scheduler, 99) == Times{-50});
}

TEST_CASE("late cancels again and again need no more room than was reserved") {
  Scheduler scheduler(4);
  for (int round = 0; round < 10'000; ++round) {
    REQUIRE(scheduler.push(on(round, 1)));
    REQUIRE(scheduler.push(off(round + 1'000'000, 1)));
    poll(scheduler, round);
    REQUIRE(scheduler.cancel_from(Micros{0}));
    poll(scheduler, round);
  }
  REQUIRE(scheduler.silence());
  poll(scheduler, 20'000);
  CHECK_FALSE(scheduler.is_sounding(1));
}

TEST_CASE("the NOTE_OFF of a taken NOTE_ON is never refused") {
  std::mt19937 random(1);
  for (const std::size_t capacity : {2u, 3u, 10u, 101u}) {
    Scheduler scheduler(capacity);
    std::set<int> open;
    for (int n = 0; n < 5000; ++n) {
      const int pitch = static_cast<int>(random() % 128);
      if (random() % 2 == 0) {
        if (scheduler.push(on(n, pitch))) open.insert(pitch);
      } else if (open.erase(pitch) == 1) {
        REQUIRE(scheduler.push(off(n, pitch)));
      }
      if (random() % 50 == 0) poll(scheduler, n - 20);
    }
  }
}

TEST_CASE("a timely cancel always wins, and no note is left") {
  Scheduler scheduler(64);
  std::vector<MidiEvent> received;
  received.reserve(1'000'000);
  std::thread consumer([&] {
    std::array<MidiEvent, 64> out;
    std::size_t count = 0;
    do {
      const bool last = scheduler.closed();
      count = scheduler.wait_due(Micros{5000}, out.data(), out.size());
      received.insert(received.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count));
      if (last && count == 0) break;
    } while (true);
  });

  std::mt19937 random(1);
  std::set<Micros> forbidden;
  Micros latest{0};
  const Micros end = now() + std::chrono::milliseconds(800);
  while (now() < end) {
    const Micros due = std::max(latest + Micros{1}, now() + Micros{random() % 600});  // unique: it names the note
    latest = due;
    const auto pitch = static_cast<std::uint8_t>(random() % 8);
    if (scheduler.push({due, 0x90, pitch, 64}))
      REQUIRE(scheduler.push({due + Micros{random() % 500}, 0x80, pitch, 0}));
    else
      std::this_thread::yield();
    if (random() % 4 == 0) {
      while (!scheduler.cancel_from(due)) std::this_thread::yield();
      if (now() < due) forbidden.insert(due);
    }
    if (random() % 500 == 0) scheduler.silence();
    if (random() % 16 == 0) std::this_thread::sleep_for(Micros{random() % 200});
  }
  while (!scheduler.silence()) std::this_thread::yield();
  scheduler.close();
  consumer.join();

  for (std::size_t key = 0; key < kKeys; ++key) REQUIRE_FALSE(scheduler.is_sounding(key));
  CHECK(!forbidden.empty());
  CHECK(!received.empty());
  std::set<std::size_t> sounding;
  for (const MidiEvent& event : received) {
    REQUIRE((sounding.count(key_of(event)) == 1) == is_note_off(event));  // they alternate on every key
    if (is_note_off(event)) {
      sounding.erase(key_of(event));
    } else {
      sounding.insert(key_of(event));
      REQUIRE(forbidden.count(event.due) == 0);
    }
  }
  CHECK(sounding.empty());
}

TEST_CASE("close() ends the wait") {
  Scheduler scheduler(4);
  std::thread closer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    scheduler.close();
  });
  std::array<MidiEvent, 4> out;
  CHECK(scheduler.wait_due(std::chrono::minutes(10), out.data(), out.size()) == 0);
  closer.join();
  CHECK(scheduler.closed());
}
