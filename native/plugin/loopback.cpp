#include "loopback.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

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
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace sideman::plugin {
namespace {

constexpr int kSendPatienceMs = 500;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

int hex_digit(int c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

#if defined(_WIN32)
using Size = int;
bool would_block() noexcept { return WSAGetLastError() == WSAEWOULDBLOCK; }
// Every user's folder is closed to other users there.
bool is_ours(std::FILE*) noexcept { return true; }
#else
using Size = std::size_t;
bool would_block() noexcept { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }
bool is_ours(std::FILE* file) noexcept {
  struct stat about;
  return fstat(fileno(file), &about) == 0 && about.st_uid == getuid() && (about.st_mode & 077) == 0;
}
#endif

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
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return false;
  char text[128] = {};
  const std::size_t size = is_ours(file) ? std::fread(text, 1, sizeof text - 1, file) : 0;
  std::fclose(file);
  unsigned version = 0, port = 0;
  int used = 0;
  if (size == 0 || std::sscanf(text, "sideman serve %u\n%u\n%n", &version, &port, &used) != 2) return false;
  if (version != 1 || port == 0 || port > 65535 || size < static_cast<std::size_t>(used) + 2 * sizeof address.token)
    return false;
  address.port = static_cast<std::uint16_t>(port);
  for (std::size_t i = 0; i < sizeof address.token; ++i) {
    const int high = hex_digit(text[static_cast<std::size_t>(used) + 2 * i]);
    const int low = hex_digit(text[static_cast<std::size_t>(used) + 2 * i + 1]);
    if (high < 0 || low < 0) return false;
    address.token[i] = static_cast<std::uint8_t>(16 * high + low);
  }
  return true;
}

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
  if (is_open()) closesocket(static_cast<SOCKET>(socket_));
  socket_ = kNone;
}

bool Loopback::wait(bool to_write, int timeout_ms) noexcept {
  WSAPOLLFD look{static_cast<SOCKET>(socket_), static_cast<SHORT>(to_write ? POLLOUT : POLLIN), 0};
  return WSAPoll(&look, 1, timeout_ms) > 0;
}

#else

Loopback::Loopback() = default;

Loopback::~Loopback() { close(); }

void Loopback::close() noexcept {
  if (is_open()) ::close(static_cast<int>(socket_));
  socket_ = kNone;
}

bool Loopback::wait(bool to_write, int timeout_ms) noexcept {
  pollfd look{static_cast<int>(socket_), static_cast<short>(to_write ? POLLOUT : POLLIN), 0};
  return ::poll(&look, 1, timeout_ms) > 0;
}

#endif

bool Loopback::connect(std::uint16_t port) noexcept {
  close();
  sockaddr_in there{};
  there.sin_family = AF_INET;
  there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  there.sin_port = htons(port);
#if defined(_WIN32)
  const SOCKET made = ::socket(AF_INET, SOCK_STREAM, 0);
  if (made == INVALID_SOCKET) return false;
  socket_ = static_cast<std::intptr_t>(made);
#else
  const int made = ::socket(AF_INET, SOCK_STREAM, 0);
  if (made < 0) return false;
  socket_ = made;
  fcntl(made, F_SETFD, FD_CLOEXEC);
#if defined(SO_NOSIGPIPE)
  const int quiet = 1;
  setsockopt(made, SOL_SOCKET, SO_NOSIGPIPE, &quiet, sizeof quiet);
#endif
#endif
  if (::connect(made, reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0) {
    close();
    return false;
  }
  const int at_once = 1;
  setsockopt(made, IPPROTO_TCP, TCP_NODELAY, reinterpret_cast<const char*>(&at_once), sizeof at_once);
#if defined(_WIN32)
  u_long without_waiting = 1;
  ioctlsocket(made, FIONBIO, &without_waiting);
#else
  fcntl(made, F_SETFL, O_NONBLOCK);
#endif
  return true;
}

bool Loopback::send(const std::uint8_t* bytes, std::size_t size) noexcept {
#if defined(MSG_NOSIGNAL)
  constexpr int flags = MSG_NOSIGNAL;
#else
  constexpr int flags = 0;
#endif
  while (size > 0) {
#if defined(_WIN32)
    const auto sent = ::send(static_cast<SOCKET>(socket_), reinterpret_cast<const char*>(bytes), static_cast<Size>(size),
                             flags);
#else
    const auto sent = ::send(static_cast<int>(socket_), bytes, static_cast<Size>(size), flags);
#endif
    if (sent > 0) {
      bytes += sent;
      size -= static_cast<std::size_t>(sent);
    } else if (!would_block() || !wait(true, kSendPatienceMs)) {
      return false;
    }
  }
  return true;
}

std::ptrdiff_t Loopback::receive(std::uint8_t* bytes, std::size_t size, int timeout_ms) noexcept {
  if (!wait(false, timeout_ms)) return 0;
#if defined(_WIN32)
  const auto came = ::recv(static_cast<SOCKET>(socket_), reinterpret_cast<char*>(bytes), static_cast<Size>(size), 0);
#else
  const auto came = ::recv(static_cast<int>(socket_), bytes, static_cast<Size>(size), 0);
#endif
  if (came > 0) return static_cast<std::ptrdiff_t>(came);
  return came < 0 && would_block() ? 0 : -1;
}

}  // namespace sideman::plugin
