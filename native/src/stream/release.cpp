#include "sideman/release.h"

namespace sideman {

void let_go(const std::vector<std::int32_t>& tones, int no_chord, const ChordTrack::Change& chord, float more,
            const PitchSet& sounding, const std::array<std::int64_t, kPitches>& onsets, const Layout& layout,
            float* logits) noexcept {
  const std::int64_t index = chord.id - no_chord;
  if (index < 0 || index >= static_cast<std::int64_t>(tones.size())) return;
  const std::int32_t own = tones[static_cast<std::size_t>(index)];
  for (int pitch = 0; pitch < kPitches; ++pitch)
    if (sounding.has(pitch) && onsets[static_cast<std::size_t>(pitch)] < chord.step && (own >> pitch % 12 & 1) == 0)
      logits[layout.note_off + pitch] += more;
}

}  // namespace sideman
