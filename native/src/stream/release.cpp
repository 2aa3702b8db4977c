#include "sideman/release.h"

namespace sideman {

void let_go(std::int32_t tones, std::int64_t since, float more, const PitchSet& sounding,
            const std::array<std::int64_t, kPitches>& onsets, const Layout& layout, float* logits) noexcept {
  sounding.for_each([&](int pitch) {
    if (onsets[static_cast<std::size_t>(pitch)] < since && (tones >> pitch % 12 & 1) == 0)
      logits[layout.note_off + pitch] += more;
  });
}

}  // namespace sideman
