#pragma once

#include <chrono>
#include <deque>
#include <string>
#include <vector>

#include "child.h"

namespace sideman::plugin {

/// Starts the engine where none is found, one for all instances of this process; how is read from the file that
/// `sideman plugin install` writes beside the engine's address: `sideman start 1`, then the program and its arguments,
/// a line each. An engine that ends is started anew, three times in five minutes at most. Thread: the links'.
class Starter {
 public:
  using Clock = std::chrono::steady_clock;

  /// Hears that no engine is found; starts one unless one that we have started is on its way.
  void want(Clock::time_point now);

  /// Whether one is on its way.
  bool is_starting() const noexcept { return starting_; }

  /// What a user reads where none is: what is wrong, and the remedy.
  const std::string& trouble() const noexcept { return trouble_; }

 private:
  Child child_;
  std::deque<Clock::time_point> started_;  // within the last minutes
  bool starting_ = false;
  std::string trouble_;
};

/// The program and its arguments; empty where the file is not there, is no such file, or others could have written it.
std::vector<std::string> read_command(const std::string& path);

}  // namespace sideman::plugin
