#include <algorithm>
#include <stdexcept>
#include <string>
#include <tuple>

#include "limits.h"
#include "sideman/stream.h"

namespace sideman {

namespace {

constexpr std::size_t kReadsALook = 4;  // half a second of work on a slow machine

}  // namespace

void Stream::feed(const StreamEvent* events, std::size_t count, void (*look)()) {
  for (std::size_t i = 0; i < count; ++i) {
    check_step(events[i].step);
    if (events[i].pitch < 0 || events[i].pitch >= kPitches || events[i].velocity_bin < -1 ||
        events[i].velocity_bin >= layout_.num_velocities)
      throw std::invalid_argument("pitch " + std::to_string(events[i].pitch) + ", velocity bin " +
                                  std::to_string(events[i].velocity_bin) + ": one lies outside 0..127 or 0.." +
                                  std::to_string(layout_.num_velocities - 1));
  }
  drawn_.reset();
  bool known = has_logits_;  // whether logits_ are those before the first unread token
  std::size_t unread = 0, reads = 0;
  const auto happen = [&](int token) {
    if (past_.empty()) advance(layout_.bos);
    take(token, false, 0.0);
    if (++unread < moments_.size()) return;
    read(unread, known);
    known = false;
    unread = 0;
    until_ = std::max(until_, step_);
    if (look != nullptr && ++reads % kReadsALook == 0) look();
  };
  for (std::size_t i = 0; i < count; ++i) {
    const StreamEvent& event = events[i];
    while (step_ < event.step) happen(wait_towards(event.step));
    if (sounding().has(event.pitch)) happen(layout_.note_off + event.pitch);
    if (event.velocity_bin < 0) continue;
    if (past_.empty() || past_[0].velocity != event.velocity_bin) happen(layout_.velocity + event.velocity_bin);
    happen(layout_.note_on + event.pitch);
  }
  if (unread > 0) read(unread, known);
  until_ = std::max(until_, step_);
}

/// The newest `count` tokens, which were taken without it, through the network at once; the newest itself waits until its
/// logits are wanted, as ever. known: logits_ are those before the first of them.
void Stream::read(std::size_t count, bool known) {
  const std::size_t first = known ? count - 1 : count;  // age of the oldest token that has not gone through
  const auto width = static_cast<std::size_t>(decoder_.streams() * layout_.num_ids);
  for (std::size_t age = first; age > 0; --age) describe(past_[age], first - age);
  if (first > 0) decoder_.feed(inputs_.data(), static_cast<int>(first), read_.data(), true);
  double sum = past_[count].log_probability;
  for (std::size_t age = count; age-- > 0;) {
    if (age < first) set_logits(read_.data() + (first - 1 - age) * width);
    sum += log_probability_of(past_[age].token);
    past_[age].log_probability = sum;
  }
}

/// The last token through the network, under what is known of its moment now.
void Stream::step_decoder() {
  describe(past_[0], 0);
  decoder_.feed(inputs_.data(), 1, read_.data());
  set_logits(read_.data());
}

/// What the network is told of a token and its moment.
void Stream::describe(const Entry& entry, std::size_t row) noexcept {
  const double step_s = layout_.step_ms / 1000.0;
  Moment& moment = moments_[row];
  const ChordTrack::View view = asked_.chords.view(entry.step, moment.chord_rows.data());
  DecoderInput& input = inputs_[row];
  input.token = entry.token;
  std::tie(input.beat, input.bar) =
      asked_.beat.bins(static_cast<double>(entry.step) * step_s, rules_.beat_bins, rules_.bar_bins);
  input.chord_ids = view.ids;
  input.chord_rows = view.rows;
  input.num_chords = view.count;
  if (moment.levels.empty()) return;
  asked_.levels_at(entry.step, step_s, rules_, moment.levels.data());
  input.levels = moment.levels.data();
}

/// One stream stands for both.
void Stream::set_logits(const float* logits) noexcept {
  const auto ids = static_cast<std::size_t>(layout_.num_ids);
  std::copy_n(logits, ids, logits_.begin());
  std::copy_n(decoder_.streams() == 1 ? logits : logits + ids, ids, logits_.begin() + static_cast<std::ptrdiff_t>(ids));
}

}  // namespace sideman
