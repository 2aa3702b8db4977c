#include <doctest/doctest.h>

#include "sideman/midi_ring.h"

using namespace sideman;

TEST_CASE("a full input ring refuses the newest message and counts it") {
  MidiRing ring(2);
  const MidiMessage note{Micros{5}, 3, {0x90, 60, 64}};
  CHECK(ring.push(note));
  CHECK(ring.push(note));
  CHECK_FALSE(ring.push(note));
  CHECK(ring.dropped() == 1);
  MidiMessage out;
  REQUIRE(ring.pop(out));
  CHECK(out.time == Micros{5});
  CHECK(out.size == 3);
  CHECK(out.bytes[1] == 60);
  CHECK(ring.size() == 1);
}
