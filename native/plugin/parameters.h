#pragma once

#include <cstddef>
#include <cstdint>

namespace sideman::plugin {

/// One parameter as hosts see it: a number. Choices are numbered from 0; a row that can be left to the sideman says so
/// by a number below `first`.
struct Row {
  std::uint32_t id;
  const char *name, *label, *unit;
  double low, high, initial, first;
  bool whole;
  const char* const* choices;
  int num_choices;
};

#include "parameter_rows.inc"

inline constexpr std::size_t kNumRows = sizeof(kRows) / sizeof(kRows[0]);
inline constexpr std::size_t kNumTexts = sizeof(kTextNames) / sizeof(kTextNames[0]);
inline constexpr std::uint32_t kEngineStateId = 1;  // the parameter that says how it stands with the engine
inline constexpr const char* kSeedName = "seed";

/// The nearest value that the row has; its initial one for what is no number. Realtime-safe: yes.
double clamped(const Row& row, double value) noexcept;

/// Index of a row by its id or name; kNumRows: there is none. Realtime-safe: yes.
std::size_t row_of(std::uint32_t id) noexcept;
std::size_t row_named(const char* name) noexcept;

/// What a host shows for a value. Cuts what does not fit.
void value_to_text(const Row& row, double value, char* text, std::size_t size) noexcept;

/// Reads what value_to_text() wrote, or a person; false: it is no value of the row.
bool text_to_value(const Row& row, const char* text, double& value) noexcept;

}  // namespace sideman::plugin
