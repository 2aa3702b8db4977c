#include "teller.h"

#include <algorithm>

namespace sideman::plugin {
namespace {

constexpr double kNowPeriod = 0.004, kRestNowPeriod = 0.8, kQuietAfter = 3.0;  // seconds

}  // namespace

bool Teller::tell(const ToEngine& message) noexcept {
  if (exchange_.to_engine.try_push(message)) return true;
  exchange_.dropped.store(true, std::memory_order_release);  // with the keys and values that it would have told
  return false;
}

bool Teller::restart() noexcept {
  ToEngine message;
  message.type = ToEngineType::kRestart;
  has_told_ = false;
  return tell(message);
}

void Teller::keys() noexcept {
  exchange_.for_each_pedal([this](std::uint8_t channel, std::uint8_t value) {
    key({static_cast<std::uint8_t>(0xB0 | channel), kSustainPedal, value}, 0);
  });
  exchange_.for_each_held([this](std::uint8_t channel, std::uint8_t pitch) {
    key({static_cast<std::uint8_t>(0x90 | channel), pitch, kSomeVelocity}, 0);
  });
}

void Teller::place(const Place& place) noexcept {
  if (has_told_ && place == told_) return;
  told_ = place;
  ToEngine message;
  message.type = ToEngineType::kPlace;
  message.place = place;
  has_told_ = tell(message);  // else with the next block
}

void Teller::parameter(std::size_t row, MicroBeats at) noexcept {
  ToEngine message;
  message.type = ToEngineType::kParameter;
  message.place.at = at;
  message.id = kRows[row].id;
  message.value = exchange_.effective(row);
  tell(message);
}

void Teller::key(const std::uint8_t (&message)[3], MicroBeats at) noexcept {
  is_used();
  exchange_.in_use.store(true, std::memory_order_relaxed);
  ToEngine key;
  key.type = ToEngineType::kKey;
  key.place.at = at;
  std::copy(std::begin(message), std::end(message), std::begin(key.message));
  tell(key);
}

bool Teller::now(std::uint32_t frames, MicroBeats until, bool playing) noexcept {
  const bool in_use = playing || any_key() || static_cast<double>(quiet_) < kQuietAfter * rate_;
  exchange_.in_use.store(in_use, std::memory_order_relaxed);
  since_now_ += frames;
  quiet_ += frames;
  const bool offline = exchange_.offline.load(std::memory_order_relaxed);
  if (!offline && static_cast<double>(since_now_) < (in_use ? kNowPeriod : kRestNowPeriod) * rate_) return false;
  if (offline && frames == 0) return false;
  since_now_ = 0;
  ToEngine message;
  message.type = ToEngineType::kNow;
  message.place.at = until;
  message.offline = offline;
  message.serial = ++serial_;
  return tell(message) && offline;  // nobody answers what was not said
}

bool Teller::any_key() const noexcept {
  return std::any_of(exchange_.keys.begin(), exchange_.keys.end(),
                     [](const auto& word) { return word.load(std::memory_order_relaxed) != 0; });
}

}  // namespace sideman::plugin
