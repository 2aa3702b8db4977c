#include "sideman/layout.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <utility>

namespace sideman {

Token Layout::token(int id) const noexcept {
  if (id >= note_on && id < note_on + kPitches) return {TokenKind::kNoteOn, id - note_on};
  if (id >= note_off && id < note_off + kPitches) return {TokenKind::kNoteOff, id - note_off};
  if (id >= time_shift && id < time_shift + num_shifts) return {TokenKind::kTimeShift, id - time_shift + 1};
  if (id >= velocity && id < velocity + num_velocities) return {TokenKind::kVelocity, id - velocity};
  if (id == pedal_on) return {TokenKind::kPedalOn, 0};
  if (id == pedal_off) return {TokenKind::kPedalOff, 0};
  return {TokenKind::kSilent, 0};
}

void Layout::check() const {
  if (num_shifts < 1 || step_ms < 1 || num_ids < 1 || num_ids > 65536)
    throw std::invalid_argument("layout: num_shifts and step_ms start at 1, and num_ids must fit uint16");
  if (num_velocities < 1 || 128 % num_velocities != 0)
    throw std::invalid_argument("num_velocities " + std::to_string(num_velocities) + " must divide 128");
  std::array<std::pair<int, int>, 9> blocks{{{note_on, kPitches},
                                             {note_off, kPitches},
                                             {time_shift, num_shifts},
                                             {velocity, num_velocities},
                                             {pad, 1},
                                             {bos, 1},
                                             {eos, 1},
                                             {pedal_on, 1},
                                             {pedal_off, 1}}};
  std::sort(blocks.begin(), blocks.end());
  int end = 0;
  for (const auto& [first, count] : blocks) {
    if (first < end || count > num_ids - first)
      throw std::invalid_argument("layout: token blocks overlap or reach beyond num_ids " + std::to_string(num_ids));
    end = first + count;
  }
}

}  // namespace sideman
