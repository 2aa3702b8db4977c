#include "pause.h"

#include <algorithm>
#include <cstdio>
#include <doctest/doctest.h>
#include <vector>

#include "sideman/clock.h"
#include "sideman/scheduler.h"

using sideman::Micros;

TEST_CASE("a pause lasts as long as was asked, and ends") {
  for (const Micros asked : {Micros{0}, Micros{1}, Micros{300}, Micros{1000}, Micros{20'000}}) {
    const Micros begun = sideman::now();
    sideman::pause_for(asked);
    const Micros took = sideman::now() - begun;
    CHECK(took + Micros{1000} >= asked);  // two clocks of a system may differ by a tick
    CHECK(took < asked + Micros{2'000'000});
  }
}

// How late the scheduler hands out what is due, on this machine and system: thread_tests --no-skip -tc=lateness
TEST_CASE("lateness" * doctest::skip()) {
  sideman::Scheduler scheduler(1024);
  std::vector<long long> late_us;
  const Micros begin = sideman::now() + Micros{20'000};
  for (int i = 0; i < 250; ++i)
    REQUIRE(scheduler.push({begin + Micros{4000} * i, 0xB0, 119, 0}));
  sideman::MidiEvent due[8];
  while (late_us.size() < 250) {
    const std::size_t count = scheduler.wait_due(Micros{50'000}, due, 8);
    for (std::size_t i = 0; i < count; ++i) late_us.push_back((sideman::now() - due[i].due).count());
  }
  std::sort(late_us.begin(), late_us.end());
  std::printf("%s timer: late by p50 %lld us, p99 %lld us, at most %lld us\n",
              sideman::pauses_are_fine() ? "fine" : "ordinary", late_us[125], late_us[247], late_us[249]);
  CHECK(late_us.front() >= 0);
}
