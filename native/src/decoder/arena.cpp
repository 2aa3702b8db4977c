#include "arena.h"

#include <algorithm>
#include <cstring>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace sideman {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kPiece = 4 * kHugePage;
constexpr std::size_t kLine = 64;
constexpr std::size_t kAhead = 4096;  // kernels prefetch beyond what they read

constexpr std::size_t round_up(std::size_t size, std::size_t unit) { return (size + unit - 1) / unit * unit; }

}  // namespace

Arena::~Arena() {
  for (const Piece& piece : pieces_) unmap(piece);
}

void* Arena::take_bytes(std::size_t size) {
  size = round_up(std::max<std::size_t>(size, 1), kLine);
  if (size > left_) {
    const std::size_t piece = round_up(std::max(size + kAhead, kPiece), kHugePage);
    pieces_.reserve(pieces_.size() + 1);
    next_ = static_cast<std::uint8_t*>(map(piece));
    pieces_.push_back({next_, piece});
    left_ = piece;
    bytes_ += piece;
  }
  void* at = next_;
  next_ += size;
  left_ -= size;
  return at;
}

#ifdef __linux__
void* Arena::map(std::size_t size) {
  void* at = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  madvise(at, size, MADV_HUGEPAGE);  // a wish: without it all works, slower
  return at;
}

void Arena::unmap(const Piece& piece) noexcept { munmap(piece.at, piece.size); }
#else
void* Arena::map(std::size_t size) {
  void* at = ::operator new(size, std::align_val_t{kHugePage});
  std::memset(at, 0, size);
  return at;
}

void Arena::unmap(const Piece& piece) noexcept { ::operator delete(piece.at, std::align_val_t{kHugePage}); }
#endif

}  // namespace sideman
