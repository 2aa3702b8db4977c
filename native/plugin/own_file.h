#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

namespace sideman::plugin {

/// An environment variable's text in UTF-8; empty where it is not set.
std::string variable(const char* name);

/// Opens a file by its path in UTF-8; null where it cannot be opened.
std::FILE* open_file(const std::string& path, const char* mode) noexcept;

/// The text of a file that this user alone may read and write; empty where there is none, it is others', or it is
/// longer than `most` bytes.
std::string read_own_file(const std::string& path, std::size_t most);

}  // namespace sideman::plugin
