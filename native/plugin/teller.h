#pragma once

#include <cstddef>
#include <cstdint>

#include "exchange.h"
#include "host_beat.h"

namespace sideman::plugin {

/// The audio thread's words to the engine: they go into the ring, and what finds it full is told anew: the place by us,
/// all else by the link.
/// Thread: audio. Realtime-safe: yes.
class Teller {
 public:
  explicit Teller(Exchange& exchange) : exchange_(exchange) {}

  void set_rate(double frames_per_second) noexcept { rate_ = frames_per_second; }

  /// A render begins, and then all pedals and keys that are held. restart(): false where it finds the ring full.
  bool restart() noexcept;
  void keys() noexcept;

  /// Where the host is, if that is news.
  void place(const Place& place) noexcept;
  bool was_playing() const noexcept { return told_.playing; }

  void parameter(std::size_t row, MicroBeats at) noexcept;
  void key(const std::uint8_t (&message)[3], MicroBeats at) noexcept;

  /// Something was played, by whomever: the engine is told the time more often.
  void is_used() noexcept { quiet_ = 0; }

  /// Goes on by so many frames, and says, often enough, up to where the engine can change nothing any more: where the
  /// next block begins. Whether it did so to a host that renders, which then waits for serial().
  bool now(std::uint32_t frames, MicroBeats until, bool playing) noexcept;
  std::uint32_t serial() const noexcept { return serial_; }

 private:
  bool tell(const ToEngine& message) noexcept;  // false: the ring is full
  bool any_key() const noexcept;

  Exchange& exchange_;
  Place told_;
  bool has_told_ = false;
  double rate_ = 48000.0;
  std::int64_t since_now_ = 0;  // frames since the engine was told the time
  std::int64_t quiet_ = 0;      // frames since anything was played by anyone
  std::uint32_t serial_ = 0;
};

}  // namespace sideman::plugin
