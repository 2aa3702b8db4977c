#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sideman::plugin {

/// A program that we start and that outlives us. Thread: one.
class Child {
 public:
  Child() = default;
  ~Child();  // leaves it running
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Starts a program with its arguments, all in UTF-8; what it says goes to the file `log`. It inherits none of our
  /// files, and of our environment all but what steers a Python or a loader. False, and why: it cannot be started.
  bool start(const std::vector<std::string>& command, const std::string& log, std::string& why);

  /// Whether one was started and has not ended, as far as is known.
  bool runs() noexcept;

 private:
  std::intptr_t process_ = 0;
};

}  // namespace sideman::plugin
