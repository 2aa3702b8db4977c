#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace sideman {

/// Memory of a decoder: taken in large zeroed pieces, on huge pages where the system has them (weights are read end to
/// end once a token, and small pages then cost a tenth of it), handed out on cache lines, freed all at once.
/// Thread: one at a time.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  /// Zeroed room for `count` elements. Realtime-safe: no. std::bad_alloc.
  template <class T>
  T* take(std::size_t count) {
    return static_cast<T*>(take_bytes(count * sizeof(T)));
  }

  std::size_t bytes() const noexcept { return bytes_; }  // taken from the system

 private:
  struct Piece {
    void* at;
    std::size_t size;
  };
  void* take_bytes(std::size_t size);
  static void* map(std::size_t size);
  static void unmap(const Piece& piece) noexcept;

  std::vector<Piece> pieces_;
  std::uint8_t* next_ = nullptr;
  std::size_t left_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace sideman
