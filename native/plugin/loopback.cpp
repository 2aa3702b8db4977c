#include "loopback.h"

#include <chrono>
#include <thread>
#include <vector>

#if defined(_WIN32)
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace sideman::plugin {
namespace {

#if defined(_WIN32)
using Socket = SOCKET;
using Size = int;
using Polled = WSAPOLLFD;
constexpr Socket kInvalid = INVALID_SOCKET;
bool would_block() noexcept { return WSAGetLastError() == WSAEWOULDBLOCK; }
bool is_under_way() noexcept { return would_block(); }
int poll_sockets(Polled* sockets, std::size_t count, int timeout_ms) noexcept {
  return WSAPoll(sockets, static_cast<ULONG>(count), timeout_ms);
}
#else
using Socket = int;
using Size = std::size_t;
using Polled = pollfd;
constexpr Socket kInvalid = -1;
bool would_block() noexcept { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }
bool is_under_way() noexcept { return errno == EINPROGRESS || errno == EINTR; }
int poll_sockets(Polled* sockets, std::size_t count, int timeout_ms) noexcept {
  return ::poll(sockets, static_cast<nfds_t>(count), timeout_ms);
}
#endif

}  // namespace

#if defined(_WIN32)

Loopback::Loopback() {
  WSADATA data;
  WSAStartup(MAKEWORD(2, 2), &data);  // counted by the system: each one is undone below
}

Loopback::~Loopback() {
  close();
  WSACleanup();
}

void Loopback::close() noexcept {
  if (is_open()) closesocket(static_cast<Socket>(socket_));
  socket_ = kNone;
}

#else

Loopback::Loopback() = default;

Loopback::~Loopback() { close(); }

void Loopback::close() noexcept {
  if (is_open()) ::close(static_cast<Socket>(socket_));
  socket_ = kNone;
}

#endif

bool Loopback::connect(std::uint16_t port) noexcept {
  close();
  const Socket made = ::socket(AF_INET, SOCK_STREAM, 0);
  if (made == kInvalid) return false;
  socket_ = static_cast<std::intptr_t>(made);
#if defined(_WIN32)
  u_long without_waiting = 1;
  ioctlsocket(made, FIONBIO, &without_waiting);
  SetHandleInformation(reinterpret_cast<HANDLE>(made), HANDLE_FLAG_INHERIT, 0);
#else
  fcntl(made, F_SETFD, FD_CLOEXEC);
  fcntl(made, F_SETFL, O_NONBLOCK);
#if defined(SO_NOSIGPIPE)
  const int quiet = 1;
  setsockopt(made, SOL_SOCKET, SO_NOSIGPIPE, &quiet, sizeof quiet);
#endif
#endif
  const int at_once = 1;
  setsockopt(made, IPPROTO_TCP, TCP_NODELAY, reinterpret_cast<const char*>(&at_once), sizeof at_once);
  sockaddr_in there{};
  there.sin_family = AF_INET;
  there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  there.sin_port = htons(port);
  if (::connect(made, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0 || is_under_way()) return true;
  close();
  return false;
}

int Loopback::is_connected() noexcept {
  if (!is_open()) return -1;
  Polled look{};
  look.fd = static_cast<Socket>(socket_);
  look.events = POLLOUT;
  if (poll_sockets(&look, 1, 0) <= 0) return 0;
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(look.fd, SOL_SOCKET, SO_ERROR, reinterpret_cast<char*>(&error), &size) != 0) return -1;
  return error == 0 && (look.revents & POLLOUT) != 0 ? 1 : -1;
}

std::ptrdiff_t Loopback::send(const std::uint8_t* bytes, std::size_t size) noexcept {
#if defined(MSG_NOSIGNAL)
  constexpr int flags = MSG_NOSIGNAL;
#else
  constexpr int flags = 0;
#endif
  std::size_t sent = 0;
  while (sent < size) {
    const auto more = ::send(static_cast<Socket>(socket_), reinterpret_cast<const char*>(bytes + sent),
                             static_cast<Size>(size - sent), flags);
    if (more <= 0) return would_block() ? static_cast<std::ptrdiff_t>(sent) : -1;
    sent += static_cast<std::size_t>(more);
  }
  return static_cast<std::ptrdiff_t>(sent);
}

std::ptrdiff_t Loopback::receive(std::uint8_t* bytes, std::size_t size) noexcept {
  const auto came =
      ::recv(static_cast<Socket>(socket_), reinterpret_cast<char*>(bytes), static_cast<Size>(size), 0);
  if (came > 0) return static_cast<std::ptrdiff_t>(came);
  return came < 0 && would_block() ? 0 : -1;
}

void wait_for_any(const std::intptr_t* handles, std::size_t count, int timeout_ms) {
  std::vector<Polled> looks;
  looks.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (handles[i] < 0) continue;
    Polled look{};
    look.fd = static_cast<Socket>(handles[i]);
    look.events = POLLIN;
    looks.push_back(look);
  }
  if (looks.empty() || poll_sockets(looks.data(), looks.size(), timeout_ms) < 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(timeout_ms));
}

}  // namespace sideman::plugin
