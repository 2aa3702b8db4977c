#include "project_text.h"

#include <cstdint>

namespace sideman::plugin {
namespace {

struct Lead {
  std::uint8_t low, high;                // the first byte of a letter lies within
  std::uint8_t second_low, second_high;  // and its second one, if it has any
  std::size_t size;                      // bytes of the letter
};

// Unicode's table of well-formed UTF-8 (The Unicode Standard, table 3-7): nothing longer than it need be, no half of a
// pair of UTF-16, nothing beyond U+10FFFF.
constexpr Lead kLeads[] = {{0x00, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
                           {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
                           {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};

std::uint8_t byte_at(const std::string& text, std::size_t at) noexcept { return static_cast<std::uint8_t>(text[at]); }

/// Bytes of the letter that begins there; 0: none does.
std::size_t letter_at(const std::string& text, std::size_t at) noexcept {
  const std::uint8_t first = byte_at(text, at);
  for (const Lead& lead : kLeads) {
    if (first < lead.low || first > lead.high) continue;
    if (at + lead.size > text.size()) return 0;
    for (std::size_t i = 1; i < lead.size; ++i) {
      const std::uint8_t next = byte_at(text, at + i);
      if (next < (i == 1 ? lead.second_low : 0x80) || next > (i == 1 ? lead.second_high : 0xBF)) return 0;
    }
    return lead.size;
  }
  return 0;
}

}  // namespace

bool is_text(const std::string& text) noexcept {
  if (text.size() > kLongestText) return false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = letter_at(text, at);
    if (size == 0) return false;
    at += size;
  }
  return true;
}

std::string as_line(const std::string& text) {
  std::string line;
  for (const char byte : text) {
    if (byte == '\n')
      line += "\\n";
    else if (byte == '\\')
      line += "\\\\";
    else
      line += byte;
  }
  return line;
}

std::string from_line(const std::string& line) {
  std::string text;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const bool escapes = line[at] == '\\' && at + 1 < line.size() && (line[at + 1] == 'n' || line[at + 1] == '\\');
    if (escapes) ++at;
    text += escapes && line[at] == 'n' ? '\n' : line[at];
  }
  return text;
}

}  // namespace sideman::plugin
