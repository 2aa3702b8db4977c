#include "sideman/decoder.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include "decoder_state.h"

namespace sideman {
namespace {

void check_rollback(int rollback) {
  if (rollback < 0 || rollback > 1 << 20) throw std::invalid_argument("rollback must be in 0..1048576 tokens");
}

}  // namespace

Decoder::Decoder(const DecoderConfig& config, const Tensors& tensors, Precision precision, int rollback, int streams,
                 const char* kernel)
    : state_((check_rollback(rollback), std::make_shared<State>(config, tensors, precision, streams, kernel))),
      past_(std::make_unique<Past>(config, precision, rollback, streams)) {}

Decoder::Decoder(const Decoder& parent, int rollback)
    : state_((check_rollback(rollback), parent.state_)),
      past_(std::make_unique<Past>(state_->config, state_->precision, rollback, parent.streams())) {
  past_->copy(*parent.past_, 0);
  past_->reachable = std::min<std::int64_t>(past_->reachable, 1);
}

Decoder::~Decoder() = default;

void Decoder::check_levels(const float* levels, std::size_t count) const {
  const auto& controls = state_->config.controls;
  if (count != controls.size())
    throw std::invalid_argument(std::to_string(count) + " levels: give " + std::to_string(controls.size()) +
                                ", one a control");
  for (std::size_t i = 0; i < count; ++i) {
    const float level = levels[i], last = static_cast<float>(controls[i].levels - 1);
    if (level == -1.0f || (level >= 0.0f && level <= last && (controls[i].measured || level == std::floor(level))))
      continue;
    char number[32];
    std::snprintf(number, sizeof number, "%g", static_cast<double>(level));
    throw std::invalid_argument(controls[i].name + " level " + number + ": give " +
                                (controls[i].measured ? "0 to " : "a whole number of 0 to ") +
                                std::to_string(controls[i].levels - 1) + ", or -1 for unknown");
  }
}

void Decoder::State::check(const DecoderInput& in) const {
  const DecoderConfig& c = config;
  const auto within = [](std::int64_t value, std::int64_t low, std::int64_t end) { return value >= low && value < end; };
  if (!within(in.token, 0, c.event_ids) || !within(in.beat, 0, c.beat_bins) || !within(in.bar, 0, c.bar_bins))
    throw std::invalid_argument("token " + std::to_string(in.token) + ", beat " + std::to_string(in.beat) + ", bar " +
                                std::to_string(in.bar) + ": one lies outside its table");
  if (!within(in.num_chords, 1, c.chords_in_view + 1))
    throw std::invalid_argument(std::to_string(in.num_chords) + " chords in view: give 1.." +
                                std::to_string(c.chords_in_view));
  for (int i = 0; i < in.num_chords; ++i)
    if (!within(in.chord_ids[i], c.first_chord, c.first_chord + c.num_chords) || !within(in.chord_rows[i], 0, c.chord_rows))
      throw std::invalid_argument("chord " + std::to_string(in.chord_ids[i]) + " in row " +
                                  std::to_string(in.chord_rows[i]) + " lies outside its table");
}

void Decoder::feed(const DecoderInput* inputs, int count, float* logits, bool after_each) {
  State& s = *state_;
  for (int t = 0; t < count; ++t) {
    s.check(inputs[t]);
    if (inputs[t].levels != nullptr) check_levels(inputs[t].levels, s.config.controls.size());
  }
  for (int done = 0; done < count; done += kRows) {
    const int rows = std::min(count - done, kRows);
    s.run(inputs + done, *past_, rows);
    if (after_each)
      s.write_logits(0, rows, logits + std::ptrdiff_t(done) * streams() * event_ids());
    else if (done + rows == count)
      s.write_logits(rows - 1, 1, logits);
  }
}

bool Decoder::copy(const Decoder& other, std::int64_t same) noexcept {
  if (state_ != other.state_) return false;
  past_->copy(*other.past_, same);
  return true;
}

void Decoder::guide() {
  if (past_->streams == 2) return;
  auto both = std::make_unique<Past>(state_->config, state_->precision, past_->keep, 2);
  both->copy(*past_, 0);
  past_ = std::move(both);
}

bool Decoder::rollback(std::int64_t tokens) noexcept {
  Past& past = *past_;
  if (tokens < 0 || tokens > past.reachable) return false;
  for (std::int64_t i = 0; i < tokens; ++i) state_->net.encode_attention.pop(past.ids, --past.length);
  past.reachable -= tokens;
  return true;
}

std::int64_t Decoder::length() const noexcept { return past_->length; }
int Decoder::longest_rollback() const noexcept { return past_->keep; }
const DecoderConfig& Decoder::config() const noexcept { return state_->config; }
std::int64_t Decoder::reachable() const noexcept { return past_->reachable; }
int Decoder::streams() const noexcept { return past_->streams; }
int Decoder::event_ids() const noexcept { return state_->config.event_ids; }
const char* Decoder::kernel() const noexcept { return state_->kernels.name; }
std::size_t Decoder::memory_bytes() const noexcept { return state_->arena.bytes() + past_->arena.bytes(); }

std::size_t Decoder::token_bytes() const noexcept {
  const Network& net = state_->net;
  std::size_t bytes = net.encode_attention.bytes_per_token() + net.decode_attention.bytes_per_token(past_->bands.back());
  for (const Block& block : net.blocks) bytes += block.band.bytes_per_token(past_->bands.front());
  for (const auto& [name, linear] : net.modules) {
    const bool is_table = name == "encode_attn.k_proj" || name == "encode_attn.v_proj" ||
                          name.find("chord_attn.k_proj") != std::string::npos ||
                          name.find("chord_attn.v_proj") != std::string::npos;
    if (!is_table) bytes += linear->bytes();
    for (int slot = 0; slot < kStyles && !is_table; ++slot)
      if (state_->weights[slot] != 0.0f)
        bytes += sizeof(float) * std::size_t(linear->adapters[slot].rank) * std::size_t(linear->rows() + linear->columns());
  }
  return bytes;
}

std::vector<std::string> kernel_variants() {
  std::vector<std::string> names;
  for (const Kernels* variant : available_kernels()) names.emplace_back(variant->name);
  return names;
}

std::string best_kernel() { return best_kernels().name; }

}  // namespace sideman
