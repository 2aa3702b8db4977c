#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sideman/conditions.h"
#include "sideman/layout.h"
#include "sideman/sampler.h"

namespace sideman {

/// Makes ends likelier, by `more`, of sounding pitches that were struck before the chord in force and are foreign to it.
/// tones: pitch classes as bits, by chord id less no_chord. engine/inference/draw/release.py is the specification.
/// Thread-safe: yes. Realtime-safe: yes.
void let_go(const std::vector<std::int32_t>& tones, int no_chord, const ChordTrack::Change& chord, float more,
            const PitchSet& sounding, const std::array<std::int64_t, kPitches>& onsets, const Layout& layout,
            float* logits) noexcept;

}  // namespace sideman
