#pragma once

#include <atomic>
#include <cstddef>
#include <type_traits>
#include <vector>

namespace sideman {

/// Bounded queue for one producer and one consumer thread.
///
/// Design: two counters that only grow. The producer owns `tail_` (items ever pushed), the consumer owns `head_` (items
/// ever popped); a slot belongs to the producer until `tail_` passes it and to the consumer until `head_` does. Each
/// side keeps a stale copy of the other's counter and reads the real one only when the copy says full or empty, so that
/// in the common case no cache line moves between cores. Slots are a power of two; `capacity` is exact all the same.
template <typename T>
class SpscRing {
  static_assert(std::is_trivially_copyable_v<T>, "slots are copied without constructors");

 public:
  /// Allocates here and never again.
  explicit SpscRing(std::size_t capacity) : capacity_(capacity), slots_(power_of_two(capacity)) {}

  SpscRing(const SpscRing&) = delete;
  SpscRing& operator=(const SpscRing&) = delete;

  /// Copies an item in; false, changing nothing, when `capacity` items wait.
  /// Thread: producer only. Realtime-safe: yes (wait-free, never allocates).
  bool try_push(const T& item) noexcept {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_seen_ >= capacity_) {
      head_seen_ = head_.load(std::memory_order_acquire);
      if (tail - head_seen_ >= capacity_) return false;
    }
    slots_[tail & (slots_.size() - 1)] = item;
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  /// Moves the oldest item out; false when none waits.
  /// Thread: consumer only. Realtime-safe: yes (wait-free, never allocates).
  bool try_pop(T& item) noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_seen_) {
      tail_seen_ = tail_.load(std::memory_order_acquire);
      if (head == tail_seen_) return false;
    }
    item = slots_[head & (slots_.size() - 1)];
    head_.store(head + 1, std::memory_order_release);
    return true;
  }

  /// Items waiting; exact only while the other side stands still.
  /// Thread: consumer only. Realtime-safe: yes.
  std::size_t size() const noexcept {
    return tail_.load(std::memory_order_acquire) - head_.load(std::memory_order_relaxed);
  }

  /// Thread-safe: yes. Realtime-safe: yes.
  std::size_t capacity() const noexcept { return capacity_; }

 private:
  static std::size_t power_of_two(std::size_t least) noexcept {
    std::size_t size = 1;
    while (size < least) size *= 2;
    return size;
  }

  static constexpr std::size_t kCacheLine = 64;

  const std::size_t capacity_;
  std::vector<T> slots_;
  alignas(kCacheLine) std::atomic<std::size_t> tail_{0};  // Writer only; the reader looks
  std::size_t head_seen_ = 0;                             // Writer only
  alignas(kCacheLine) std::atomic<std::size_t> head_{0};  // Reader only; the writer looks
  std::size_t tail_seen_ = 0;                             // Reader only
};

}  // namespace sideman
