#pragma once

#include "sideman/layout.h"

namespace sideman::tests {

/// The layout of engine/vocabulary.py.
inline Layout performance_layout() {
  Layout layout;
  layout.note_on = 0;
  layout.note_off = 128;
  layout.time_shift = 256;
  layout.num_shifts = 100;
  layout.velocity = 356;
  layout.num_velocities = 32;
  layout.pad = 388;
  layout.bos = 389;
  layout.eos = 390;
  layout.pedal_on = 391;
  layout.pedal_off = 392;
  layout.num_ids = 400;
  layout.step_ms = 10;
  return layout;
}

/// The same blocks in another order, to show that nothing depends on it.
inline Layout shuffled_layout() {
  Layout layout = performance_layout();
  layout.velocity = 0;
  layout.note_off = 32;
  layout.time_shift = 170;
  layout.note_on = 270;
  layout.pad = 398;
  layout.bos = 399;
  layout.eos = 160;
  layout.pedal_on = 161;
  layout.pedal_off = 162;
  return layout;
}

}  // namespace sideman::tests
