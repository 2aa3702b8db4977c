#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include "instance.h"
#include "project_text.h"

// A project keeps lines: `sideman 1`, then `value NAME BITS` for every parameter, BITS being those of the double (no
// host's locale can spoil them), and `text NAME TEXT`, or `lines NAME TEXT` for a text of several lines, whose ends and
// backslashes are written as in project_text.h. A line that this version does not know is passed over.
namespace sideman::plugin {
namespace {

constexpr char kHead[] = "sideman 1\n";
constexpr std::size_t kLargest = 1 << 20;

/// Reads `text NAME TEXT` and `lines NAME TEXT`; kNumTexts: the line is neither, or the text of another version.
std::size_t read_text(const std::string& line, std::string& text) {
  const bool of_lines = line.compare(0, 6, "lines ") == 0;
  if (!of_lines && line.compare(0, 5, "text ") != 0) return kNumTexts;
  const std::size_t begin = of_lines ? 6 : 5, end = line.find(' ', begin);
  if (end == std::string::npos) return kNumTexts;
  std::size_t found = 0;
  while (found < kNumTexts && line.compare(begin, end - begin, kTextNames[found]) != 0) ++found;
  if (found < kNumTexts) text = of_lines ? from_line(line.substr(end + 1)) : line.substr(end + 1);
  return found;
}

/// Reads `value NAME BITS`; kNumRows: the line is none, or the value of another version.
std::size_t read_value(const std::string& line, double& value) {
  char name[64] = {};
  std::uint64_t bits = 0;
  if (std::sscanf(line.c_str(), "value %63s %" SCNx64, name, &bits) != 2) return kNumRows;
  const std::size_t row = row_named(name);
  std::memcpy(&value, &bits, sizeof value);
  if (row < kNumRows) value = clamped(kRows[row], value);
  return row;
}

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
    for (std::size_t i = 0; i < kNumTexts; ++i) {
      const std::string& text = exchange_.texts[i];
      if (text.empty()) continue;
      const bool of_lines = text.find('\n') != std::string::npos;
      out += of_lines ? "lines " : "text ";
      out += std::string(kTextNames[i]) + " " + (of_lines ? as_line(text) : text) + "\n";
    }
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
  std::array<double, kNumRows> values{};
  std::array<bool, kNumRows> has_value{};
  std::array<std::string, kNumTexts> texts;
  for (std::size_t begin = sizeof kHead - 1; begin < in.size();) {
    std::size_t end = in.find('\n', begin);
    if (end == std::string::npos) end = in.size();
    const std::string line = in.substr(begin, end - begin);
    begin = end + 1;
    double value = 0.0;
    std::string text;
    if (const std::size_t row = read_value(line, value); row < kNumRows) {
      values[row] = value;
      has_value[row] = true;
    } else if (const std::size_t i = read_text(line, text); i < kNumTexts) {
      if (!is_text(text)) return false;
      texts[i] = std::move(text);
    }
  }
  for (std::size_t row = 0; row < kNumRows; ++row)  // only now: a project is taken over whole, or not at all
    if (has_value[row]) exchange_.values[row].store(values[row], std::memory_order_relaxed);
  {
    const std::lock_guard<std::mutex> lock(exchange_.text_mutex);
    exchange_.texts.swap(texts);
  }
  exchange_.tell_values.store(true);
  return true;
}

}  // namespace sideman::plugin
