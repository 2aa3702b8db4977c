#include "parameters.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace sideman::plugin {

double clamped(const Row& row, double value) noexcept {
  if (!std::isfinite(value)) return row.initial;
  value = std::clamp(value, row.low, row.high);
  if (row.whole) return std::floor(value + 0.5);
  return value;
}

std::size_t row_of(std::uint32_t id) noexcept {
  std::size_t row = 0;
  while (row < kNumRows && kRows[row].id != id) ++row;
  return row;
}

std::size_t row_named(const char* name) noexcept {
  std::size_t row = 0;
  while (row < kNumRows && std::strcmp(kRows[row].name, name) != 0) ++row;
  return row;
}

void value_to_text(const Row& row, double value, char* text, std::size_t size) noexcept {
  value = clamped(row, value);
  const char* space = *row.unit == '\0' ? "" : " ";
  if (row.choices != nullptr)
    std::snprintf(text, size, "%s", row.choices[static_cast<int>(value)]);
  else if (value < row.first)
    std::snprintf(text, size, "auto");
  else if (row.whole)
    std::snprintf(text, size, "%.0f%s%s", value, space, row.unit);
  else
    std::snprintf(text, size, "%.3f%s%s", value, space, row.unit);
}

bool text_to_value(const Row& row, const char* text, double& value) noexcept {
  for (int i = 0; i < row.num_choices; ++i) {
    if (std::strcmp(row.choices[i], text) != 0) continue;
    value = i;
    return true;
  }
  if (row.choices != nullptr) return false;
  if (row.low < row.first && std::strcmp(text, "auto") == 0) {
    value = row.low;
    return true;
  }
  char* end = nullptr;
  const double number = std::strtod(text, &end);
  if (end == text || !std::isfinite(number)) return false;
  value = clamped(row, number);
  return true;
}

}  // namespace sideman::plugin
