#pragma once

#include "sideman/clock.h"

namespace sideman {

/// Sleeps for a time, as exactly as the system can: what is left over is for the caller to spin away.
/// Realtime-safe: it sleeps; on Windows a thread's first call makes its timer, later ones allocate nothing.
void pause_for(Micros time) noexcept;

/// Whether sleeps of this thread end on a timer of the system's finest resolution, not on its ordinary tick.
bool pauses_are_fine() noexcept;

}  // namespace sideman
