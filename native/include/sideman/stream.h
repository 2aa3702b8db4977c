#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "sideman/conditions.h"
#include "sideman/decoder.h"
#include "sideman/history.h"
#include "sideman/layout.h"
#include "sideman/sampler.h"
#include "sideman/stream_rules.h"
#include "sideman/theme.h"

namespace sideman {

/// A note's start, or its end: velocity_bin -1.
struct StreamEvent {
  std::int64_t step = 0;
  int pitch = 0;
  int velocity_bin = -1;
};

/// The token loop: decoder, sampler and the rules of a session, from step 0 on. engine/inference/stream.py is the
/// specification and draws the same tokens.
///
/// Design: a ring of the last tokens, each with what undoing it needs, beside the rings of decoder and sampler. The
/// last token goes through the decoder only when its logits are wanted, under the chords and beat known by then. A token
/// that was drawn but lies beyond the asked time waits for the next call.
/// All memory is taken at construction, but for many chords (see ChordTrack) and a second stream.
/// Thread: one at a time, all methods.
class Stream {
 public:
  /// The decoder must outlive the stream. std::invalid_argument: it does not reach back one token more than `rollback`, or
  /// has no row for something that the rules will ask.
  Stream(Decoder& decoder, const Layout& layout, const StreamRules& rules, std::uint64_t seed, int rollback);

  /// Makes a fork, which goes on from the parent's past and conditions with random numbers of its own. The decoder is a
  /// fork of the parent's, made at this point, and must outlive the stream. With the parent's seed it would play what the
  /// parent does, but for the rounding of caches that are not exact.
  /// std::invalid_argument: a decoder that stands elsewhere, is no such fork or is the parent's own.
  Stream(Decoder& decoder, const Stream& parent, std::uint64_t seed, int rollback);

  /// Takes over the state of another fork of the same parent, but keeps its own seed, so it goes on differently. Both have
  /// their first `same` tokens from the parent, under the same conditions. False, changing nothing: no such fork.
  /// Realtime-safe: yes, unless the other knows more than 1024 chords.
  bool copy(const Stream& other, std::int64_t same);

  /// Draws the random numbers of another seed from the next token on. Realtime-safe: yes.
  void set_seed(std::uint64_t seed) noexcept;

  /// Moves everything so many steps later, or earlier: chords, beat, form and ending too. std::invalid_argument, changing
  /// nothing: too far. Realtime-safe: yes.
  void shift(std::int64_t steps);

  // Every setter below throws std::invalid_argument, changing nothing, for what no token could be drawn or fed under: an
  // id that is no chord's, no beat, a number that is none (src/stream/limits.h). So what is fed later cannot fail for it.

  /// Sets the sampler from the next token on. chord_strength: 0 without chords, 1 with, beyond 1 further. A decoder of one
  /// stream begins the one without chords (see Decoder::guide) as soon as the strength is not 1, and keeps it.
  /// Realtime-safe: yes, but for that first time, which allocates.
  void set_params(const SamplerParams& params, double chord_strength);

  /// Sets the chords (see ChordTrack), which differ from the last ones from from_step on. A change at until() acts on the
  /// next token.
  void set_chords(const std::int64_t* ids, const std::int64_t* steps, std::size_t count, std::int64_t from_step);

  /// Nothing: the beat is unknown. Realtime-safe: yes.
  void set_beat(const std::optional<Beat>& beat);

  /// Sets whether waits lean towards the beat, from the next token on; at first they do. Realtime-safe: yes.
  void set_leaning(bool leans) noexcept;

  /// Sets what is asked of each control (see Decoder::check_levels), acting on the present token. What set_phrase() and
  /// set_ending() know replaces the levels of those two. std::invalid_argument, changing nothing: a level that a control
  /// does not have. Realtime-safe: yes.
  void set_levels(const float* levels, std::size_t count);

  /// Sets what the draw leans towards (see steer()), from the next token on. std::invalid_argument, changing nothing: a
  /// target that is negative or beyond a million. Realtime-safe: yes.
  void set_targets(const Targets& targets);

  /// Counts bars from the bar line where the form begins; nothing: the phrase is as set_levels() has it. Without a beat,
  /// and before the form, it is unknown. Realtime-safe: yes.
  void set_phrase(std::optional<double> origin_s);

  /// Sets what comes back in the form that set_phrase() begins, from the next token on. Allocates beyond 1024 returns.
  void set_form(const Form& form);

  /// Sets how much what comes back is like it was, from the next token on: 0 nothing is remembered, 1 a head.
  /// Realtime-safe: yes.
  void set_theme(double strength);

  /// Tells the model at which step the music ends; nothing: it does not know. Realtime-safe: yes.
  void set_ending(std::optional<std::int64_t> step);

  /// Computes the present anew: the last token was fed under old chords, beat, controls or styles. Realtime-safe: yes.
  void refresh() noexcept;

  /// Takes events as having happened, none before step(). std::invalid_argument, taking none: one out of range.
  /// look: is called every 32 tokens, between two reads; where it throws, what was read has happened and no more.
  void feed(const StreamEvent* events, std::size_t count, void (*look)() = nullptr);

  /// Takes a token that is no event, at a step, as a sign to the model; like BOS it is free. std::invalid_argument, taking
  /// nothing: an event, no id of the layout, or a step too far away.
  void mark(std::int64_t step, int token);

  /// Improvises up to a step and writes the new events, at most `capacity`; if that many were written, call it again.
  /// to_strike: stops right after the first NOTE_ON, and until() is its step; what comes next does not depend on it.
  /// std::invalid_argument: logits that are no numbers, or a step too far away. Realtime-safe: never allocates; it takes a
  /// decoder step a token.
  std::size_t generate(std::int64_t until, StreamEvent* events, std::size_t capacity, bool to_strike = false);

  /// Forgets everything after a step; false, changing nothing, beyond what is remembered. What led up to a token that is
  /// no more goes too, but nothing that a fork has from its parent. To a step ahead, within the limits, it is never refused:
  /// time passes, with nothing played. Realtime-safe: yes.
  bool rollback(std::int64_t to) noexcept;

  /// Ends every sounding note at until(); writes at most 128 events and returns how many.
  std::size_t end(StreamEvent* events);

  /// (2, num_ids) logits of the next token, with and without the chords; valid until the next call.
  const float* logits();

  /// Natural log of the probability that the model gives all tokens so far: each under what was asked, seen and guided
  /// when it was taken, before leaning, letting go and the sampler; BOS and marks are free. Of a stretch: the difference
  /// of two readings. Realtime-safe: yes.
  double log_probability() const noexcept { return past_.empty() ? 0.0 : past_[0].log_probability; }

  std::int64_t step() const noexcept { return step_; }    // time after the last token
  std::int64_t until() const noexcept { return until_; }  // nothing more happens before it
  std::uint64_t length() const noexcept { return sampler_.length(); }
  const PitchSet& sounding() const noexcept { return sampler_.sounding(); }
  const Layout& layout() const noexcept { return layout_; }

 private:
  /// One token of the past.
  struct Entry {
    std::int64_t step;        // after the token
    std::int64_t onset_step;  // of a NOTE_OFF: when its note was struck
    std::int32_t token;
    std::int16_t velocity;  // bin in force after it; -1: none yet
    bool improvised;        // drawn by generate(), not fed
    double log_probability;  // of all tokens up to it
  };

  int next_token();
  void draw();
  void forbid_stutter() noexcept;
  void forbid_all_but_waits(std::int64_t silent) noexcept;
  /// What a DecoderInput points to.
  struct Moment {
    std::vector<std::int64_t> chord_rows;
    std::vector<float> levels;
  };
  void advance(int token, bool improvised = false);
  void take(int token, bool improvised, double log_probability);
  void read(std::size_t count, bool known);
  void describe(const Entry& entry, std::size_t row) noexcept;
  void set_logits(const float* logits) noexcept;
  double log_probability_of(int token) noexcept;
  void step_decoder();
  void mix_streams() noexcept;
  Heard listen() const noexcept;
  void move_to(std::int64_t step);
  int wait_towards(std::int64_t step) const noexcept;
  bool fits(int pitch, std::int64_t step) const noexcept;
  void remember(int pitch, bool is_strike) noexcept;
  void follow_theme() noexcept;
  bool take_back(std::size_t count) noexcept;
  bool is_dangling(int token) const noexcept;

  Decoder& decoder_;
  const Layout layout_;
  const StreamRules rules_;
  Sampler sampler_;
  Conditions asked_;
  ThemeMemory memory_;

  History<Entry> past_;
  std::array<std::int64_t, kPitches> onsets_;  // of what sounds
  std::int64_t step_ = 0;
  std::int64_t until_ = 0;
  std::uint64_t forked_ = 0;   // length() where this was forked: its parent's tokens
  std::optional<int> drawn_;   // the next token, drawn but not yet due
  bool has_logits_ = false;    // whether logits_ are those after the last token
  std::vector<float> logits_;  // (2, num_ids)

  // Scratch of one draw.
  std::vector<float> scores_;
  std::unique_ptr<bool[]> allowed_;

  // Tokens on their way through the network.
  std::array<DecoderInput, Decoder::kRows> inputs_{};
  std::array<Moment, Decoder::kRows> moments_;
  std::vector<float> read_;  // what comes out of it
};

}  // namespace sideman
