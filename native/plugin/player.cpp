#include "player.h"

#include <limits>

namespace sideman::plugin {
namespace {

constexpr Micros kBeforeAll{std::numeric_limits<Micros::rep>::min()};

}  // namespace

void Player::take(const FromEngine& message, std::uint32_t epoch, MicroBeats oldest) noexcept {
  if (message.epoch != 0 && message.epoch != epoch) return;
  if (message.type == FromEngineType::kSilence) {
    silence();
  } else if (message.type == FromEngineType::kCancel) {
    if (scheduler_.cancel_from(Micros{message.at})) return;
    scheduler_.poll(kBeforeAll, nullptr, 0);  // obeys what waits, and hands nothing out
    scheduler_.cancel_from(Micros{message.at});
  } else if (message.type == FromEngineType::kNote) {
    const MidiEvent event{Micros{message.at}, message.message[0], message.message[1], message.message[2]};
    const bool late = is_note_on(event) && message.at < oldest;
    if (late || (!scheduler_.push(event) && (scheduler_.poll(kBeforeAll, nullptr, 0), !scheduler_.push(event))))
      ++missed_;
  }
}

void Player::silence() noexcept {
  if (scheduler_.silence()) return;
  scheduler_.poll(kBeforeAll, nullptr, 0);
  scheduler_.silence();
}

bool Player::sounds() const noexcept {
  for (std::size_t key = 0; key < kKeys; ++key)
    if (scheduler_.is_sounding(key)) return true;
  return false;
}

}  // namespace sideman::plugin
