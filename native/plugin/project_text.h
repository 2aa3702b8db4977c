#pragma once

#include <cstddef>
#include <string>

namespace sideman::plugin {

/// The most bytes of a text: with its name it fits into a frame of the protocol.
inline constexpr std::size_t kLongestText = 60'000;

/// Whether a project can keep a text: UTF-8, and no longer than that. The engine ends a connection for anything else.
bool is_text(const std::string& text) noexcept;

/// A text as one line of a project, and back: `\n` is a line's end in it, `\\` a backslash.
std::string as_line(const std::string& text);
std::string from_line(const std::string& line);

}  // namespace sideman::plugin
