#pragma once

#include <atomic>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace sideman::plugin {

/// An engine that sends what comes to its mind: notes of any epoch and beat, cancels, parameters, texts, frames that
/// are broken; and goes, and comes again. It answers what an offline host waits for.
class WildEngine {
 public:
  /// 32 random bits.
  class Draw {
   public:
    explicit Draw(std::uint32_t seed) : engine_(seed) {}
    std::uint32_t operator()() { return static_cast<std::uint32_t>(engine_()); }

   private:
    std::mt19937 engine_;
  };

  /// path: of the address file, which it writes.
  WildEngine(const std::string& path, std::uint32_t seed);
  ~WildEngine();

 private:
  void run();
  bool talk(int peer);

  const std::string path_;
  Draw draw_;
  std::vector<std::uint8_t> heard_;  // and not yet read
  int listening_ = -1;
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace sideman::plugin
