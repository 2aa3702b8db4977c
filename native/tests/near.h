#pragma once

#include <algorithm>
#include <cmath>

namespace sideman::tests {

/// Whether two numbers differ by no more than a share of the expected one's size, or than a margin.
inline bool near(double got, double expected, double share = 1.2e-5, double margin = 0.0) {
  return std::fabs(got - expected) <= std::max(share * std::fabs(expected), margin);
}

}  // namespace sideman::tests
