#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "sideman/history.h"
#include "sideman/layout.h"

namespace sideman {

/// What a player may turn; native/sampler_params.py states meaning and ranges.
struct SamplerParams {
  double temperature = 0.8;
  double top_p = 0.9;
  int top_k = 0;
  double min_p = 0.0;
  int register_low = 21;
  int register_high = 108;
  int clear_low = 127;
  int clear_high = 0;
  int polyphony = 8;
  double repetition = 1.0;
  int scale_mask = 4095;
  bool keep_timing = false;
};

/// A set of pitches, one bit each.
struct PitchSet {
  std::uint64_t words[2] = {0, 0};

  bool has(int pitch) const noexcept { return words[pitch >> 6] >> (pitch & 63) & 1u; }
  void add(int pitch) noexcept { words[pitch >> 6] |= std::uint64_t{1} << (pitch & 63); }
  void remove(int pitch) noexcept { words[pitch >> 6] &= ~(std::uint64_t{1} << (pitch & 63)); }
  bool empty() const noexcept { return (words[0] | words[1]) == 0; }
  PitchSet without(const PitchSet& other) const noexcept {
    return {{words[0] & ~other.words[0], words[1] & ~other.words[1]}};
  }

  /// Calls visit(pitch) for each pitch, ascending.
  template <typename Visit>
  void for_each(Visit visit) const noexcept {
    for (int half = 0; half < 2; ++half) {
      int pitch = 64 * half;
      for (std::uint64_t bits = words[half]; bits != 0; bits >>= 1, ++pitch)
        if (bits & 1u) visit(pitch);
    }
  }
};

/// Logits -> the next token, under a grammar that keeps every stream playable. native/twins/sampler.py is the
/// specification, and gives the same bits.
///
/// Design: what the grammar knows is a handful of bits, updated by each token, so no mask is ever rebuilt from history.
/// A ring of the last tokens with what each of them changed makes rollback exact. All memory is taken at construction.
/// Thread: one at a time, all methods.
class Sampler {
 public:
  static constexpr std::size_t kRepetitionWindow = 64;  // tokens

  /// Allocates here and never again. `rollback`: how many tokens rollback() can reach back.
  Sampler(const Layout& layout, std::uint64_t seed, std::size_t rollback = 4096);

  /// Makes a fork: a copy of the parent with random numbers of its own. Allocates as the constructor above.
  Sampler(const Sampler& parent, std::uint64_t seed, std::size_t rollback);

  /// Takes over the state of another sampler of the same layout, but keeps its own seed; rolls back as far as its own
  /// history allows. Realtime-safe: yes.
  void copy(const Sampler& other) noexcept;

  /// Draws the numbers of another seed from here on. Realtime-safe: yes.
  void set_seed(std::uint64_t seed) noexcept { seed_ = seed; }

  /// Applies from the next sample on. The params must lie in their ranges. Realtime-safe: yes.
  void set_params(const SamplerParams& params) noexcept;

  /// Draws from `num_ids` logits with the `index`-th random number of the seed; does not advance.
  /// Nothing where the logits of the legal tokens hold NaN, +inf or nothing but -inf. Realtime-safe: yes.
  std::optional<int> sample(const float* logits, std::uint64_t index) noexcept;
  std::optional<int> sample(const float* logits) noexcept { return sample(logits, length_); }

  /// Writes the probabilities that sample() draws from, `num_ids` of them; false as sample(). Realtime-safe: yes.
  bool distribution(const float* logits, double* probabilities) noexcept;

  /// Writes 1 for each id that may come next, else 0. Realtime-safe: yes.
  void allowed(bool* mask) const noexcept;

  /// Appends a token, sampled or fed; false, changing nothing, outside 0..num_ids-1. Realtime-safe: yes.
  bool advance(int token) noexcept;

  /// Undoes the last n tokens; false, changing nothing, beyond reachable(). Realtime-safe: yes.
  bool rollback(std::size_t n_tokens) noexcept;

  std::size_t reachable() const noexcept { return reachable_; }
  std::uint64_t length() const noexcept { return length_; }
  const PitchSet& sounding() const noexcept { return sounding_; }
  const Layout& layout() const noexcept { return layout_; }

 private:
  enum class Last : std::uint8_t { kNoteOn, kNoteOff, kShortShift, kFullShift, kVelocity, kOther };

  /// A token and what it changed.
  struct Undo {
    std::uint64_t struck_before;  // NOTE_ON: the pitch's struck_ until then
    std::uint16_t token;
    Last last_before;
    bool velocity_given_before;
    bool sounding_before;  // NOTE_ON and NOTE_OFF: whether the pitch sounded
  };

  /// Which blocks are open next, and which pitches in them.
  struct Legal {
    PitchSet note_on;
    PitchSet note_off;
    bool velocity;
    bool time_shift;
  };

  enum class Block : std::uint8_t { kNoteOn, kNoteOff, kTimeShift, kVelocity };

  Legal legal() const noexcept;
  bool weigh(const float* logits) noexcept;
  void gather(const float* logits) noexcept;
  void weigh_by_kind(double best) noexcept;
  void choose() noexcept;
  void sort_into_buckets(double best) noexcept;
  void keep_through(std::size_t position) noexcept;
  std::size_t position_of_mass(double mass) noexcept;
  void sort_bucket(std::size_t bucket) noexcept;
  std::size_t next_bucket_end(std::size_t position) noexcept;
  double total() const noexcept;
  void count_recent(int token, int change) noexcept;

  static constexpr std::size_t kBuckets = 64;

  const Layout layout_;
  std::uint64_t seed_;
  const std::size_t rollback_;
  SamplerParams params_;
  std::array<Block, 4> blocks_;  // by first id, so that everything below runs in id order
  PitchSet playable_;            // register and scale

  PitchSet sounding_;
  int num_sounding_ = 0;
  std::array<std::uint64_t, kPitches> struck_{};  // step_count_ when the pitch was last struck
  std::uint64_t step_count_ = 0;                  // TIME_SHIFTs so far
  bool velocity_given_ = false;
  Last last_ = Last::kOther;
  std::array<std::uint8_t, kPitches> recent_strikes_{};  // within the repetition window
  History<Undo> history_;                                // of rollback + window entries
  std::size_t reachable_ = 0;
  std::uint64_t length_ = 0;

  // Scratch of one draw: what is left to draw from, by id. The chain works on `count_` entries from `first_` on.
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::array<std::size_t, 5> block_start_{};  // where the tokens of each of blocks_ begin after gather()
  std::vector<std::uint16_t> ids_;
  std::vector<double> scores_;
  std::vector<double> weights_;
  std::vector<std::uint16_t> order_;  // indices into the above, grouped by bucket
  std::vector<std::uint8_t> bucket_of_;
  std::array<std::uint16_t, kBuckets + 1> bucket_start_{};
};

}  // namespace sideman
