#pragma once

#include <cstddef>
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

/// A TCP connection to this machine. Thread: one.
class Loopback {
 public:
  Loopback();
  ~Loopback();
  Loopback(const Loopback&) = delete;
  Loopback& operator=(const Loopback&) = delete;

  bool connect(std::uint16_t port) noexcept;
  void close() noexcept;
  bool is_open() const noexcept { return socket_ != kNone; }

  /// Sends all of it, waiting half a second at most; false: the connection is lost.
  bool send(const std::uint8_t* bytes, std::size_t size) noexcept;

  /// Waits so long for bytes, and takes what is there; 0: nothing came, -1: the connection is lost.
  std::ptrdiff_t receive(std::uint8_t* bytes, std::size_t size, int timeout_ms) noexcept;

 private:
  static constexpr std::intptr_t kNone = -1;
  bool wait(bool to_write, int timeout_ms) noexcept;

  std::intptr_t socket_ = kNone;
};

}  // namespace sideman::plugin
