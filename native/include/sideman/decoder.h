#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace sideman {

struct Past;

/// Something the music can be asked (engine/model/controls.py): its rows in `control_emb.weight` are one a level, then unknown.
struct Control {
  std::string name;
  int levels = 0;
  bool measured = false;  // between two levels their rows are mixed
};

/// Sizes of the network: engine/model/config.py's ModelConfig, and what engine/model/shapes.py and engine/vocabulary.py fix.
struct DecoderConfig {
  int dim = 0;        // latent_dim
  int band = 0;       // latent_len
  int layers = 0;     // num_layers
  int heads = 0;      // num_heads
  int ff_dim = 0;
  int context = 0;    // max_seq_len
  int distances = 0;  // max_relative_distance
  int vocabulary = 0;
  int event_ids = 0;     // tokens 0..event_ids-1 are fed and predicted
  int note_on = 0;       // the first of 128 ids
  int note_off = 0;
  int first_chord = 0;   // NO_CHORD, then the chords
  int num_chords = 0;    // with NO_CHORD
  int beat_bins = 0;     // with the null bin
  int bar_bins = 0;      // with the null bin
  int chord_rows = 0;    // relative chord indices
  int chords_in_view = 0;
  std::vector<Control> controls;
};

/// One tensor of a checkpoint, rows x columns (a vector has one row). Read during construction and not after.
struct Tensor {
  enum class Kind { kFloat32, kFloat16, kNf4 };
  Kind kind = Kind::kFloat32;
  const void* data = nullptr;      // NF4: two codes a byte, the first in the high nibble
  const float* absmax = nullptr;   // NF4: (rows, columns / 64)
  int rows = 0;
  int columns = 0;
};
using Tensors = std::unordered_map<std::string, Tensor>;

/// How keys and values are kept, and with them how products are taken.
enum class Precision {
  kExact,  // fp32 throughout
  kInt16,  // activations in 14 bits, caches in 14: logits within 1e-4
  kInt8,   // the same, caches in 8, and the NF4 levels of the process layers in 8: less traffic, half the arithmetic
};

/// One token and what the model is told about the moment after it.
struct DecoderInput {
  int token = 0;
  int beat = 0;
  int bar = 0;
  const std::int64_t* chord_ids = nullptr;   // chords in view
  const std::int64_t* chord_rows = nullptr;  // and their relative indices, as rows of the embedding
  int num_chords = 0;
  const float* levels = nullptr;  // one a control, -1 where it is unknown; null: all are
};

/// A low-rank adapter of one matrix: W + scale * B A.
struct AdapterTensor {
  const float* a = nullptr;  // (rank, columns)
  const float* b = nullptr;  // (rows, rank)
  int rank = 0;
  int rows = 0;
  int columns = 0;
  float scale = 1.0f;
};
using Style = std::unordered_map<std::string, AdapterTensor>;  // by module: "blocks.0.self_attn.q_proj"

/// The network of engine/model/perceiver.py one token at a time; engine/inference/decoders/numpy_decoder.py is the specification.
///
/// Design: NF4 weights are laid out anew at construction and read once a token for both streams (with the chords and
/// without). Caches are rings of `band + rollback` positions, so taking tokens back is a change of a counter.
/// Encode keys and values are tables over the ids, and ids far enough back to share a distance are merely counted.
/// Chord keys and values are computed when a chord is first seen, and kept.
/// Who does not guide asks for one stream, and for the other when somebody does: to compute what that would have been
/// takes layers * band tokens, so it begins with a copy. A second stream never pauses: it would have holes in its caches.
/// All memory is taken at construction, by guide() and by set_style(). Thread: one at a time, all methods.
class Decoder {
 public:
  static constexpr int kStyles = 4;
  static constexpr int kMaxRank = 256;
  static constexpr int kRows = 8;  // tokens that go through the weights together in feed()

  /// kernel: a name as in kernels.h; nullptr: the best. std::invalid_argument names what does not fit.
  Decoder(const DecoderConfig& config, const Tensors& tensors, Precision precision, int rollback, int streams,
          const char* kernel = nullptr);
  /// Makes a fork, which shares the parent's weights and styles and copies its past; from here on each goes its own way.
  /// It can roll back what it was fed since and one token of the parent's. One thread at a time for the parent and all its
  /// forks. std::invalid_argument.
  Decoder(const Decoder& parent, int rollback);
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder();

  /// std::invalid_argument: another count than there are controls, or a level that one of them does not have. The legal
  /// ones are -1, and 0 to the last; whole ones where the control is not measured. Realtime-safe: yes.
  void check_levels(const float* levels, std::size_t count) const;

  /// Feeds tokens; writes (streams, event_ids) logits of the one after the last: with chords, then without. after_each:
  /// (count, streams, event_ids), of the one after each.
  /// std::invalid_argument, changing nothing: an id, a row or a level out of range. Realtime-safe: yes, after the first sight
  /// of each chord; never allocates.
  void feed(const DecoderInput* inputs, int count, float* logits, bool after_each = false);

  /// Takes over the state of another fork of the same parent, or of the parent. The first `same` tokens are the same in
  /// both and are not copied. False, changing nothing: no relation. Realtime-safe: yes.
  bool copy(const Decoder& other, std::int64_t same) noexcept;

  /// Begins the stream without chords where one was computed; its past is the other's, what comes is its own. Where both
  /// are, nothing happens. Allocates.
  void guide();

  /// Forgets the last tokens; false, changing nothing, beyond reachable(). Realtime-safe: yes.
  bool rollback(std::int64_t tokens) noexcept;

  /// Sets a slot's adapters, or none (an empty Style). They act by the slot's weight. std::invalid_argument, changing
  /// nothing: a module or sizes that the network lacks, or numbers that are none.
  void set_style(int slot, const Style& style);

  /// Sets the slots' weights from the next token on; cached states stay as they were computed. std::invalid_argument,
  /// changing nothing: a weight outside -1000..1000. Realtime-safe: yes (never allocates; the encode tables are blended at
  /// once, the chords in view at the next token).
  void set_style_weights(const float (&weights)[kStyles]);

  std::int64_t length() const noexcept;
  int longest_rollback() const noexcept;  // of which reachable() tokens are there
  const DecoderConfig& config() const noexcept;
  std::int64_t reachable() const noexcept;
  int streams() const noexcept;
  int event_ids() const noexcept;
  const char* kernel() const noexcept;
  /// Bytes of memory held, and bytes of it that a steady token reads.
  std::size_t memory_bytes() const noexcept;
  std::size_t token_bytes() const noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
  std::unique_ptr<Past> past_;
};

/// Names of the kernel variants that this machine runs, the best first; kernel() of the best, or of SIDEMAN_KERNEL.
std::vector<std::string> kernel_variants();
std::string best_kernel();

}  // namespace sideman
