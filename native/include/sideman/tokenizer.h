#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sideman/layout.h"

namespace sideman {

/// Notes in any order, as columns of `size` entries each.
struct NoteColumns {
  const double* onset_s;
  const double* offset_s;
  const std::int64_t* pitch;
  const std::int64_t* velocity;
  std::size_t size;
};

/// Changes of the sustain pedal, as columns of `size` entries each.
struct PedalColumns {
  const double* time_s;
  const bool* down;
  std::size_t size;
};

struct DecodedNote {
  std::int64_t onset_step;
  std::int64_t offset_step;
  std::uint8_t pitch;
  std::uint8_t velocity;
};

struct DecodedPedal {
  std::int64_t step;
  bool down;
};

struct Decoded {
  std::vector<DecodedNote> notes;  // by (onset, pitch)
  std::vector<DecodedPedal> pedal;
};

/// Notes -> event tokens, the performance encoding of Oore et al. 2018. native/twins/tokenizer.py states the rules.
/// Throws std::invalid_argument for times outside 0..1e6 s, pitches outside 0..127, velocities outside 1..127.
/// Thread-safe: yes. Realtime-safe: no (allocates).
std::vector<std::uint16_t> encode(const Layout& layout, const NoteColumns& notes, const PedalColumns& pedal);

/// Event tokens, any sequence of them -> notes and pedal changes.
/// Throws std::invalid_argument for ids outside 0..num_ids-1.
/// Thread-safe: yes. Realtime-safe: no (allocates).
Decoded decode(const Layout& layout, const std::int64_t* ids, std::size_t size);
Decoded decode(const Layout& layout, const std::uint16_t* ids, std::size_t size);

}  // namespace sideman
