#include "wild_engine.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace sideman::plugin {
namespace {

void put(std::vector<std::uint8_t>& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void frame(std::vector<std::uint8_t>& out, std::uint8_t type, const std::vector<std::uint8_t>& payload) {
  out.push_back(type);
  out.push_back(0);
  put(out, payload.size(), 2);
  out.insert(out.end(), payload.begin(), payload.end());
}

}  // namespace

WildEngine::WildEngine(const std::string& path, std::uint32_t seed) : path_(path), draw_(seed) {
  listening_ = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof here;
  if (::bind(listening_, reinterpret_cast<sockaddr*>(&here), sizeof here) != 0 || ::listen(listening_, 8) != 0 ||
      ::getsockname(listening_, reinterpret_cast<sockaddr*>(&here), &size) != 0)
    std::abort();
  const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const std::string text =
      "sideman serve 1\n" + std::to_string(ntohs(here.sin_port)) + "\n" + std::string(64, 'a') + "\n";
  if (file < 0 || ::write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::abort();
  ::close(file);
  thread_ = std::thread(&WildEngine::run, this);
}

WildEngine::~WildEngine() {
  ending_.store(true);
  thread_.join();
  ::close(listening_);
  ::unlink(path_.c_str());
}

void WildEngine::run() {
  while (!ending_.load()) {
    pollfd look{listening_, POLLIN, 0};
    if (::poll(&look, 1, 10) <= 0) continue;
    const int peer = ::accept(listening_, nullptr, nullptr);
    if (peer < 0) continue;
    heard_.clear();
    std::vector<std::uint8_t> hello;
    frame(hello, 65, {1, 0});
    if (draw_() % 8 != 0 && ::send(peer, hello.data(), hello.size(), MSG_NOSIGNAL) > 0)
      while (!ending_.load() && talk(peer)) {
      }
    ::close(peer);
  }
}

bool WildEngine::talk(int peer) {
  std::uint8_t bytes[4096];
  pollfd look{peer, POLLIN, 0};
  if (::poll(&look, 1, 1) > 0) {
    const ssize_t came = ::recv(peer, bytes, sizeof bytes, 0);
    if (came <= 0) return false;
    heard_.insert(heard_.end(), bytes, bytes + came);
  }
  std::vector<std::uint8_t> out, payload;
  for (std::uint32_t i = draw_() % 6; i > 0; --i) {
    payload.clear();
    const std::uint32_t epoch = draw_() % 6;
    const std::uint64_t beat = draw_() % 40'000'000;
    switch (draw_() % 8) {
      case 0:
        put(payload, epoch, 4);
        put(payload, beat, 8);
        frame(out, 67, payload);
        break;
      case 1:
        put(payload, epoch, 4);
        frame(out, 68, payload);
        break;
      case 2:
        put(payload, 3924994357u, 4);  // temperature
        put(payload, draw_() % 2 != 0 ? 0x3FF0000000000000u : draw_() * 0x100000001u, 8);
        frame(out, 71, payload);
        break;
      case 3:
        payload = {6, 'c', 'h', 'o', 'r', 'd', 's', 'C', ' ', '|', ' ', 'F'};
        frame(out, 72, payload);
        break;
      case 4:
        frame(out, static_cast<std::uint8_t>(draw_()), std::vector<std::uint8_t>(draw_() % 30, 7));
        break;
      case 5:
        frame(out, 70, {'n', 'o'});
        break;
      default:
        put(payload, epoch, 4);
        put(payload, beat, 8);
        if (draw_() % 8 == 0) {  // no message, most often
          put(payload, draw_(), 3);
        } else {
          payload.push_back(static_cast<std::uint8_t>((draw_() % 2 != 0 ? 0x90 : 0x80) | draw_() % 2));
          payload.push_back(static_cast<std::uint8_t>(draw_() % 128));
          payload.push_back(static_cast<std::uint8_t>(draw_() % 128));
        }
        frame(out, 66, payload);
    }
  }
  std::size_t read_to = 0;
  while (heard_.size() - read_to >= 4) {
    const std::uint8_t* head = heard_.data() + read_to;
    const std::size_t length = head[2] + 256u * head[3];
    if (heard_.size() - read_to < 4 + length) break;
    if (head[0] == 6 && length == 13 && head[4 + 12] != 0) frame(out, 69, {head[12], head[13], head[14], head[15]});
    read_to += 4 + length;
  }
  heard_.erase(heard_.begin(), heard_.begin() + static_cast<std::ptrdiff_t>(read_to));
  if (::send(peer, out.data(), out.size(), MSG_NOSIGNAL) < 0) return false;
  return draw_() % 500 != 0;
}

}  // namespace sideman::plugin
