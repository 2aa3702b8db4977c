#include <doctest/doctest.h>

#include "near.h"
#include "sideman/philox.h"

using sideman::philox4x32;
using Counter = std::array<std::uint32_t, 4>;

// Random123's published vectors for philox4x32-10.
TEST_CASE("philox4x32 gives the published words") {
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}) == Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("philox_uniform lies in [0, 1) and averages a half") {
  double sum = 0.0;
  for (std::uint64_t index = 0; index < 100'000; ++index) {
    const double u = sideman::philox_uniform(7, index);
    REQUIRE(u >= 0.0);
    REQUIRE(u < 1.0);
    sum += u;
  }
  CHECK(sideman::tests::near(sum / 100'000, 0.5, 0.0, 0.005));
}
