#include "sideman/bandwidth.h"

#include <algorithm>
#include <cstdint>
#include <ctime>

#include "decoder/arena.h"

namespace sideman {
namespace {

constexpr int kMaxStreams = 8;
constexpr std::size_t kLineWords = 8;

/// Every word once; the sum keeps the compiler from leaving it out.
std::uint64_t walk(const std::uint64_t* words, std::size_t words_a_stream, int streams) {
  std::uint64_t sums[kMaxStreams][kLineWords] = {};
  for (std::size_t at = 0; at < words_a_stream; at += kLineWords)
    for (int s = 0; s < streams; ++s) {
      const std::uint64_t* line = words + std::size_t(s) * words_a_stream + at;
      for (std::size_t i = 0; i < kLineWords; ++i) sums[s][i] += line[i];
    }
  std::uint64_t total = 0;
  for (const auto& stream : sums)
    for (const std::uint64_t sum : stream) total += sum;
  return total;
}

}  // namespace

double read_bandwidth(std::size_t bytes, int streams, double seconds) {
  streams = std::clamp(streams, 1, kMaxStreams);
  const std::size_t words = std::max<std::size_t>(bytes / (8 * kLineWords) / std::size_t(streams), 1) * kLineWords;
  Arena arena;
  auto* data = arena.take<std::uint64_t>(words * std::size_t(streams));
  for (std::size_t i = 0; i < words * std::size_t(streams); ++i) data[i] = i;  // real pages, not the shared zero page
  // Processor time of this process, so that other programs count little; passes add up to what the clock can tell.
  const auto now = [] { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; };
  const double begin = now();
  double fastest = 1e9;
  volatile std::uint64_t kept = 0;
  while (now() - begin < seconds) {
    const double start = now();
    int passes = 0;
    for (; now() - start < 0.002; ++passes) kept = kept + walk(data, words, streams);
    fastest = std::min(fastest, (now() - start) / passes);
  }
  return static_cast<double>(words * std::size_t(streams) * 8) / fastest;
}

}  // namespace sideman
