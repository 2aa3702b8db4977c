#include "sideman/tokenizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <stdexcept>
#include <string>

namespace sideman {
namespace {

constexpr double kMaxSeconds = 1e6;  // a bound on memory: eleven days of silence are a million TIME_SHIFTs

std::int64_t to_step(const Layout& layout, double seconds, const char* name) {
  if (!(seconds >= 0.0 && seconds <= kMaxSeconds)) {
    char text[120];
    std::snprintf(text, sizeof text, "%s %g s lies outside 0..%g s: move the performance to start at 0", name, seconds,
                  kMaxSeconds);
    throw std::invalid_argument(text);
  }
  // Rounds half to even, in the default rounding mode, as numpy's rint does.
  return static_cast<std::int64_t>(std::nearbyint(seconds * 1000.0 / layout.step_ms));
}

int to_int(std::int64_t value, int low, int high, const char* name) {
  if (value < low || value > high)
    throw std::invalid_argument(std::string(name) + " " + std::to_string(value) + " lies outside " +
                                std::to_string(low) + ".." + std::to_string(high));
  return static_cast<int>(value);
}

bool by_onset_and_pitch(const DecodedNote& a, const DecodedNote& b) noexcept {
  return a.onset_step != b.onset_step ? a.onset_step < b.onset_step : a.pitch < b.pitch;
}

template <typename Notes>
void sort_unless_sorted(Notes& notes) {
  if (!std::is_sorted(notes.begin(), notes.end(), by_onset_and_pitch))
    std::sort(notes.begin(), notes.end(), by_onset_and_pitch);
}

/// On the grid, ordered, disjoint on every pitch.
std::vector<DecodedNote> canonical_notes(const Layout& layout, const NoteColumns& columns) {
  std::vector<DecodedNote> notes(columns.size);
  // Column by column, as the twin: of several faults both report the same one.
  for (std::size_t i = 0; i < columns.size; ++i) notes[i].onset_step = to_step(layout, columns.onset_s[i], "onset");
  for (std::size_t i = 0; i < columns.size; ++i)
    notes[i].offset_step = std::max(to_step(layout, columns.offset_s[i], "offset"), notes[i].onset_step + 1);
  for (std::size_t i = 0; i < columns.size; ++i)
    notes[i].pitch = static_cast<std::uint8_t>(to_int(columns.pitch[i], 0, 127, "pitch"));
  for (std::size_t i = 0; i < columns.size; ++i)
    notes[i].velocity = static_cast<std::uint8_t>(to_int(columns.velocity[i], 1, 127, "velocity"));
  sort_unless_sorted(notes);

  std::array<std::ptrdiff_t, kPitches> latest;
  latest.fill(-1);
  std::size_t count = 0;
  for (const DecodedNote& note : notes) {
    std::ptrdiff_t& previous = latest[note.pitch];
    if (previous >= 0) {
      DecodedNote& earlier = notes[static_cast<std::size_t>(previous)];
      if (earlier.onset_step == note.onset_step) {  // one key cannot be struck twice at once
        earlier.offset_step = std::max(earlier.offset_step, note.offset_step);
        earlier.velocity = std::max(earlier.velocity, note.velocity);
        continue;
      }
      earlier.offset_step = std::min(earlier.offset_step, note.onset_step);
    }
    previous = static_cast<std::ptrdiff_t>(count);
    notes[count++] = note;
  }
  notes.resize(count);
  return notes;
}

std::vector<DecodedPedal> canonical_pedal(const Layout& layout, const PedalColumns& columns) {
  std::vector<DecodedPedal> pedal(columns.size);
  for (std::size_t i = 0; i < columns.size; ++i)
    pedal[i] = {to_step(layout, columns.time_s[i], "pedal time"), columns.down[i]};
  std::stable_sort(pedal.begin(), pedal.end(),
                   [](const DecodedPedal& a, const DecodedPedal& b) { return a.step < b.step; });
  bool is_down = false;
  std::size_t count = 0;
  for (const DecodedPedal& change : pedal) {
    if (change.down == is_down) continue;
    is_down = change.down;
    pedal[count++] = change;
  }
  pedal.resize(count);
  return pedal;
}

class TokenWriter {
 public:
  TokenWriter(const Layout& layout, std::size_t expected) : layout_(layout) { tokens_.reserve(expected); }

  void wait_until(std::int64_t step) {
    for (; step - now_ >= layout_.num_shifts; now_ += layout_.num_shifts)
      add(layout_.time_shift + layout_.num_shifts - 1);
    if (step > now_) add(layout_.time_shift + static_cast<int>(step - now_) - 1);
    now_ = step;
  }

  void add(int token) { tokens_.push_back(static_cast<std::uint16_t>(token)); }

  std::vector<std::uint16_t> take() { return std::move(tokens_); }

 private:
  const Layout& layout_;
  std::vector<std::uint16_t> tokens_;
  std::int64_t now_ = 0;
};

template <typename Id>
Decoded decode_ids(const Layout& layout, const Id* ids, std::size_t size) {
  layout.check();
  for (std::size_t i = 0; i < size; ++i) to_int(static_cast<std::int64_t>(ids[i]), 0, layout.num_ids - 1, "token");
  std::vector<Token> table(static_cast<std::size_t>(layout.num_ids));
  for (int id = 0; id < layout.num_ids; ++id) table[static_cast<std::size_t>(id)] = layout.token(id);

  Decoded out;
  out.notes.reserve(size / 4 + 1);
  std::array<std::ptrdiff_t, kPitches> latest;
  latest.fill(-1);
  std::array<bool, kPitches> sounding{};
  int loudness = layout.velocity_of_bin(layout.num_velocities / 2);
  bool pedal_is_down = false;
  std::int64_t now = 0;

  const auto end_note = [&](std::size_t pitch, std::int64_t step) {
    DecodedNote& note = out.notes[static_cast<std::size_t>(latest[pitch])];
    note.offset_step = std::max(step, note.onset_step + 1);
    sounding[pitch] = false;
  };

  for (std::size_t i = 0; i < size; ++i) {
    const Token token = table[static_cast<std::size_t>(ids[i])];
    const auto pitch = static_cast<std::size_t>(token.value);
    switch (token.kind) {
      case TokenKind::kNoteOn: {
        if (latest[pitch] >= 0) {
          DecodedNote& note = out.notes[static_cast<std::size_t>(latest[pitch])];
          if (note.onset_step == now) {
            note.velocity = std::max(note.velocity, static_cast<std::uint8_t>(loudness));
            sounding[pitch] = true;
            break;
          }
          if (sounding[pitch]) end_note(pitch, now);
        }
        latest[pitch] = static_cast<std::ptrdiff_t>(out.notes.size());
        out.notes.push_back(
            {now, now + 1, static_cast<std::uint8_t>(token.value), static_cast<std::uint8_t>(loudness)});
        sounding[pitch] = true;
        break;
      }
      case TokenKind::kNoteOff:
        if (sounding[pitch]) end_note(pitch, now);
        break;
      case TokenKind::kTimeShift:
        now += token.value;
        break;
      case TokenKind::kVelocity:
        loudness = layout.velocity_of_bin(token.value);
        break;
      case TokenKind::kPedalOn:
      case TokenKind::kPedalOff:
        if ((token.kind == TokenKind::kPedalOn) != pedal_is_down) {
          pedal_is_down = !pedal_is_down;
          out.pedal.push_back({now, pedal_is_down});
        }
        break;
      case TokenKind::kSilent:
        break;
    }
  }
  for (std::size_t pitch = 0; pitch < kPitches; ++pitch)
    if (sounding[pitch]) end_note(pitch, now);
  sort_unless_sorted(out.notes);
  return out;
}

}  // namespace

std::vector<std::uint16_t> encode(const Layout& layout, const NoteColumns& note_columns,
                                  const PedalColumns& pedal_columns) {
  layout.check();
  const std::vector<DecodedNote> notes = canonical_notes(layout, note_columns);
  const std::vector<DecodedPedal> pedal = canonical_pedal(layout, pedal_columns);

  std::vector<std::uint64_t> ends(notes.size());  // step and pitch packed: one comparison each when sorting
  std::transform(notes.begin(), notes.end(), ends.begin(), [](const DecodedNote& note) {
    return static_cast<std::uint64_t>(note.offset_step) << 8 | note.pitch;
  });
  std::sort(ends.begin(), ends.end());

  // Three ordered lists become one: at equal steps pedal first, then ends, then notes.
  TokenWriter writer(layout, 5 * notes.size() + 2 * pedal.size());
  std::size_t next_note = 0, next_end = 0, next_change = 0;
  int current_bin = -1;
  constexpr std::int64_t kDone = INT64_MAX;
  for (;;) {
    const std::int64_t note_step = next_note < notes.size() ? notes[next_note].onset_step : kDone;
    const std::int64_t end_step = next_end < ends.size() ? static_cast<std::int64_t>(ends[next_end] >> 8) : kDone;
    const std::int64_t pedal_step = next_change < pedal.size() ? pedal[next_change].step : kDone;
    const std::int64_t step = std::min({note_step, end_step, pedal_step});
    if (step == kDone) return writer.take();
    writer.wait_until(step);
    if (pedal_step == step) {
      writer.add(pedal[next_change++].down ? layout.pedal_on : layout.pedal_off);
    } else if (end_step == step) {
      writer.add(layout.note_off + static_cast<int>(ends[next_end++] & 0xFF));
    } else {
      const DecodedNote& note = notes[next_note++];
      const int bin = note.velocity / layout.velocity_width();
      if (bin != current_bin) writer.add(layout.velocity + bin);
      current_bin = bin;
      writer.add(layout.note_on + note.pitch);
    }
  }
}

Decoded decode(const Layout& layout, const std::int64_t* ids, std::size_t size) {
  return decode_ids(layout, ids, size);
}

Decoded decode(const Layout& layout, const std::uint16_t* ids, std::size_t size) {
  return decode_ids(layout, ids, size);
}

}  // namespace sideman
