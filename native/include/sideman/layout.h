#pragma once

#include <cstdint>

namespace sideman {

inline constexpr int kPitches = 128;

enum class TokenKind : std::uint8_t { kNoteOn, kNoteOff, kTimeShift, kVelocity, kPedalOn, kPedalOff, kSilent };

/// A token taken apart. `value` is the pitch, the steps of a shift, or the velocity bin.
struct Token {
  TokenKind kind;
  int value;
};

/// Where each kind of token lies: the vocabulary in the form that tokenizer and sampler take (native/layout.py).
struct Layout {
  int note_on = 0;     // + pitch 0..127
  int note_off = 0;    // + pitch 0..127
  int time_shift = 0;  // + steps - 1
  int num_shifts = 0;  // the longest shift, in steps
  int velocity = 0;    // + bin
  int num_velocities = 0;
  int pad = 0;
  int bos = 0;
  int eos = 0;
  int pedal_on = 0;
  int pedal_off = 0;
  int num_ids = 0;  // event ids, reserved ones included; the length of the logits
  int step_ms = 0;

  /// MIDI velocities in one bin; a bin decodes to its centre.
  int velocity_width() const noexcept { return 128 / num_velocities; }
  int velocity_of_bin(int bin) const noexcept { return velocity_width() * bin + velocity_width() / 2; }

  /// Thread-safe: yes. Realtime-safe: yes. kSilent for PAD, BOS, EOS and reserved ids.
  Token token(int id) const noexcept;

  /// Throws std::invalid_argument if blocks overlap or reach beyond num_ids.
  void check() const;
};

}  // namespace sideman
