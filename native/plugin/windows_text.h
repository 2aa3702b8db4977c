#pragma once

#include <string>

namespace sideman::plugin {

/// Between UTF-8, which we speak, and UTF-16, which Windows does. What is neither becomes U+FFFD.
std::wstring wide(const std::string& text);
std::string narrow(const std::wstring& text);

}  // namespace sideman::plugin
