#include "address.h"

#include <cstddef>
#include <cstdio>

#include "own_file.h"

namespace sideman::plugin {
namespace {

constexpr std::size_t kLongest = 127;

int hex_digit(int c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::string address_path() {
  std::string path = variable("SIDEMAN_SERVE");
  if (!path.empty()) return path;
#if defined(_WIN32)
  path = variable("LOCALAPPDATA");
  if (path.empty()) path = variable("USERPROFILE") + "\\AppData\\Local";
  return path + "\\Sideman\\serve";
#elif defined(__APPLE__)
  return variable("HOME") + "/Library/Application Support/Sideman/serve";
#else
  path = variable("XDG_DATA_HOME");
  if (path.empty()) path = variable("HOME") + "/.local/share";
  return path + "/sideman/serve";
#endif
}

bool read_address(const std::string& path, Address& address) {
  const std::string text = read_own_file(path, kLongest);
  unsigned version = 0, port = 0;
  int used = 0;
  if (text.empty() || std::sscanf(text.c_str(), "sideman serve %u\n%u\n%n", &version, &port, &used) != 2) return false;
  const auto head = static_cast<std::size_t>(used);
  if (version != 1 || port == 0 || port > 65535 || text.size() < head + 2 * sizeof address.token) return false;
  address.port = static_cast<std::uint16_t>(port);
  for (std::size_t i = 0; i < sizeof address.token; ++i) {
    const int high = hex_digit(text[head + 2 * i]), low = hex_digit(text[head + 2 * i + 1]);
    if (high < 0 || low < 0) return false;
    address.token[i] = static_cast<std::uint8_t>(16 * high + low);
  }
  return true;
}

}  // namespace sideman::plugin
