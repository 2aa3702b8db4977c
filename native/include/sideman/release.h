#pragma once

#include <array>
#include <cstdint>

#include "sideman/layout.h"
#include "sideman/sampler.h"

namespace sideman {

/// Makes ends likelier, by `more`, of sounding pitches that were struck before the chord in force and are foreign to it.
/// tones: the chord's pitch classes as bits. since: its onset. engine/inference/draw/release.py is the specification.
/// Thread-safe: yes. Realtime-safe: yes.
void let_go(std::int32_t tones, std::int64_t since, float more, const PitchSet& sounding,
            const std::array<std::int64_t, kPitches>& onsets, const Layout& layout, float* logits) noexcept;

}  // namespace sideman
