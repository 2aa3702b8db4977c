#pragma once

#include <cstddef>
#include <cstdint>

namespace sideman::plugin {

/// A TCP connection to this machine. Nothing here waits. Thread: one.
class Loopback {
 public:
  Loopback();
  ~Loopback();
  Loopback(const Loopback&) = delete;
  Loopback& operator=(const Loopback&) = delete;

  /// Begins to connect; false: nobody is there.
  bool connect(std::uint16_t port) noexcept;
  void close() noexcept;
  bool is_open() const noexcept { return socket_ != kNone; }

  /// How it stands with what connect() began: 1 connected, 0 not yet, -1 nobody is there.
  int is_connected() noexcept;

  /// Sends what there is room for; how much that was, -1: the connection is lost.
  std::ptrdiff_t send(const std::uint8_t* bytes, std::size_t size) noexcept;

  /// Takes what is there; 0: nothing, -1: the connection is lost.
  std::ptrdiff_t receive(std::uint8_t* bytes, std::size_t size) noexcept;

  /// For wait_for_any(); below 0 where it is not open.
  std::intptr_t handle() const noexcept { return socket_; }

 private:
  static constexpr std::intptr_t kNone = -1;

  std::intptr_t socket_ = kNone;
};

/// Waits until bytes have come for one of the connections, or so long. Those that are not open are passed over.
void wait_for_any(const std::intptr_t* handles, std::size_t count, int timeout_ms);

}  // namespace sideman::plugin
