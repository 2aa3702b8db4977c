#pragma once

#include <cstdint>
#include <vector>

#include "sideman/conditions.h"
#include "sideman/layout.h"

namespace sideman {

/// Weighs waits by the place of the beat they end at; leaning: a number for each bin of a beat, added to the logits of
/// the waits, whose common weight stays. Without a beat or a leaning nothing changes. engine/inference/draw/leaning.py is the
/// specification. Thread-safe: yes. Realtime-safe: yes.
void lean(const std::vector<float>& leaning, const Beat& beat, const Layout& layout, std::int64_t step,
          float* logits) noexcept;

}  // namespace sideman
