#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace sideman {

/// What came last, the newest first; what was before is forgotten once it holds `longest`.
///
/// Design: a ring, so that adding and taking back move an index. Its memory is taken at construction; nothing else
/// allocates. Thread: one at a time.
template <typename T>
class History {
 public:
  /// longest: 1 or more.
  explicit History(std::size_t longest) : ring_(longest) {}

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  /// The one that came `age` before the newest; age lies below size().
  const T& operator[](std::size_t age) const noexcept { return ring_[(newest_ + ring_.size() - age) % ring_.size()]; }
  T& operator[](std::size_t age) noexcept { return ring_[(newest_ + ring_.size() - age) % ring_.size()]; }

  void add(const T& one) noexcept {
    newest_ = (newest_ + 1) % ring_.size();
    ring_[newest_] = one;
    size_ = std::min(size_ + 1, ring_.size());
  }

  /// Takes back the newest, of one at least.
  void take_back() noexcept {
    newest_ = (newest_ + ring_.size() - 1) % ring_.size();
    --size_;
  }

  /// Takes over what another one holds, as far back as it can.
  void copy(const History& other) noexcept {
    if (this == &other) return;
    size_ = std::min(other.size_, ring_.size());
    for (std::size_t age = 0; age < size_; ++age) ring_[size_ - 1 - age] = other[age];
    newest_ = size_ > 0 ? size_ - 1 : 0;
  }

 private:
  std::vector<T> ring_;
  std::size_t newest_ = 0;
  std::size_t size_ = 0;
};

}  // namespace sideman
