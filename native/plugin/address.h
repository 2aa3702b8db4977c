#pragma once

#include <cstdint>
#include <string>

namespace sideman::plugin {

/// Where `sideman serve` listens, read from the file that it writes for this user alone.
struct Address {
  std::uint16_t port = 0;
  std::uint8_t token[32] = {};
};

/// The file's path: SIDEMAN_SERVE, or `serve` in the user's Sideman folder (engine/platform has the same rule).
std::string address_path();

/// Reads the file; false where there is none, it is broken, or others could have written it.
bool read_address(const std::string& path, Address& address);

}  // namespace sideman::plugin
