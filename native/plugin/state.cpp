#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <string>

#include "instance.h"

// A project keeps lines: `sideman 1`, then `value NAME BITS` for every parameter, BITS being those of the double (no
// host's locale can spoil them), and `text NAME TEXT`. A line that this version does not know is passed over.
namespace sideman::plugin {
namespace {

constexpr char kHead[] = "sideman 1\n";
constexpr std::size_t kLargest = 1 << 20;

}  // namespace

bool Instance::save(const clap::OutStream* stream) {
  std::string out = kHead;
  char line[128];
  for (std::size_t row = 0; row < kNumRows; ++row) {
    const double value = exchange_.values[row].load(std::memory_order_relaxed);
    std::uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    std::snprintf(line, sizeof line, "value %s %016" PRIx64 "\n", kRows[row].name, bits);
    out += line;
  }
  {
    const std::lock_guard<std::mutex> lock(exchange_.text_mutex);
    for (std::size_t i = 0; i < kNumTexts; ++i)
      if (!exchange_.texts[i].empty()) out += std::string("text ") + kTextNames[i] + " " + exchange_.texts[i] + "\n";
  }
  for (std::size_t written = 0; written < out.size();) {
    const std::int64_t more = stream->write(stream, out.data() + written, out.size() - written);
    if (more <= 0) return false;
    written += static_cast<std::size_t>(more);
  }
  return true;
}

bool Instance::load(const clap::InStream* stream) {
  std::string in;
  char chunk[4096];
  for (;;) {
    const std::int64_t more = stream->read(stream, chunk, sizeof chunk);
    if (more < 0 || more > static_cast<std::int64_t>(sizeof chunk) || in.size() > kLargest) return false;
    if (more == 0) break;
    in.append(chunk, static_cast<std::size_t>(more));
  }
  if (in.compare(0, sizeof kHead - 1, kHead) != 0) return false;
  std::array<std::string, kNumTexts> texts;
  for (std::size_t begin = sizeof kHead - 1; begin < in.size();) {
    std::size_t end = in.find('\n', begin);
    if (end == std::string::npos) end = in.size();
    const std::string line = in.substr(begin, end - begin);
    begin = end + 1;
    char name[64] = {};
    std::uint64_t bits = 0;
    int used = 0;
    if (std::sscanf(line.c_str(), "value %63s %" SCNx64, name, &bits) == 2) {
      const std::size_t row = row_named(name);
      double value;
      std::memcpy(&value, &bits, sizeof value);
      if (row < kNumRows) exchange_.values[row].store(clamped(kRows[row], value), std::memory_order_relaxed);
    } else if (std::sscanf(line.c_str(), "text %63s %n", name, &used) == 1 && used > 0) {
      for (std::size_t i = 0; i < kNumTexts; ++i)
        if (std::strcmp(name, kTextNames[i]) == 0) texts[i] = line.substr(static_cast<std::size_t>(used));
    }
  }
  {
    const std::lock_guard<std::mutex> lock(exchange_.text_mutex);
    exchange_.texts = texts;
  }
  exchange_.tell_values.store(true);
  return true;
}

}  // namespace sideman::plugin
