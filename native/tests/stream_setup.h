#pragma once

#include "sideman/stream.h"

namespace sideman::tests {

/// A small network over the vocabulary of engine/vocabulary.py.
inline DecoderConfig stream_config() {
  DecoderConfig c;
  c.dim = 64, c.band = 20, c.layers = 1, c.heads = 2, c.ff_dim = 64, c.context = 50, c.distances = 24;
  c.vocabulary = 700, c.event_ids = 400, c.note_on = 0, c.note_off = 128, c.first_chord = 400, c.num_chords = 289;
  c.beat_bins = 25, c.bar_bins = 9, c.chord_rows = 17, c.chords_in_view = 64;
  c.controls = {{"role", 3, false}, {"loudness", 4, true}, {"ending", 4, true}, {"phrase", 8, false}};
  return c;
}

/// Those of engine/inference/stream.py.
inline StreamRules stream_rules() {
  StreamRules r;
  r.max_note_steps = 450, r.restrike_steps = 8, r.beat_bins = 24, r.bar_bins = 8;
  r.no_chord = 400, r.chord_clip = 8, r.chords_back = 55, r.chords_ahead = 8;
  r.leaning.assign(24, -1.0f);
  r.leaning[0] = 1.0f;
  r.release = 3.0f;
  r.chord_tones.assign(289, 0x891);
  r.controls = 4, r.ending_control = 2, r.phrase_control = 3, r.phrase_bars = 8, r.phrase_grace_s = 0.04;
  r.ending_edges_s = {0.5, 2.0, 8.0};
  r.theme.reach = 512, r.theme.near_beats = 4.0, r.theme.early_steps = 1, r.theme.late_steps = 4;
  r.theme.strike = 8.0, r.theme.other = 7.0, r.theme.end = 4.0, r.theme.wait = 4.0, r.theme.miss = 7.0;
  return r;
}

}  // namespace sideman::tests
