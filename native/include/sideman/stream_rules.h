#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sideman/steering.h"
#include "sideman/theme.h"

namespace sideman {

/// The rules of a stream beside the vocabulary; engine/inference/stream_rules.py sets the values.
struct StreamRules {
  std::int64_t max_note_steps = 0;  // a longer note was forgotten, and is ended
  std::int64_t restrike_steps = 0;  // a key repeats no faster
  int beat_bins = 0;                // without the null bin
  int bar_bins = 0;
  std::vector<float> leaning;       // of waits, by the bin of the beat they end in (leaning.h); empty: none
  float release = 0.0f;             // of notes foreign to a new chord, times the chord strength (release.h)
  std::vector<std::int32_t> chord_tones;  // pitch classes as bits, by chord id less no_chord
  int no_chord = 0;    // the id of no chord at all
  int chord_clip = 0;  // relative chord indices beyond share an embedding
  int chords_back = 0;
  int chords_ahead = 0;
  int controls = 0;          // of the decoder
  int phrase_control = -1;   // which of them is the bar of the phrase; -1: none
  int phrase_bars = 1;
  double phrase_grace_s = 0.0;  // a bar counts from that much before its line
  int ending_control = -1;      // which is the time that is left
  std::vector<double> ending_edges_s;  // where its levels change
  Steering steering;
  ThemeRules theme;

  /// Returns the pitch classes of a chord as bits; every one for a chord that is not known. Realtime-safe: yes.
  std::int32_t tones_of(std::int64_t chord) const noexcept {
    const std::int64_t index = chord - no_chord;
    if (index < 0 || index >= static_cast<std::int64_t>(chord_tones.size())) return 0xFFF;
    return chord_tones[static_cast<std::size_t>(index)];
  }
};

}  // namespace sideman
