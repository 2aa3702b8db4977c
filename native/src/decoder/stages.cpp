#include <algorithm>

#include "decoder_state.h"

namespace sideman {

void Decoder::State::embed(const DecoderInput* inputs, int count) {
  for (int t = 0; t < count; ++t) {
    const DecoderInput& in = inputs[t];
    float* row = query + t * dim;
    std::copy_n(net.token_emb + in.token * dim, dim, row);
    kernels.add(net.beat_emb + in.beat * dim, dim, row);
    kernels.add(net.bar_emb + in.bar * dim, dim, row);
    PitchSet now = past->sounding_after(past->length + t - 1);
    if (const int on = in.token - config.note_on; on >= 0 && on < kPitches) now.add(on);
    if (const int off = in.token - config.note_off; off >= 0 && off < kPitches) now.remove(off);
    past->sounding_after(past->length + t) = now;
    for (int pitch = 0; pitch < kPitches && net.sounding_emb != nullptr; ++pitch)
      if (now.has(pitch)) kernels.add(net.sounding_emb + pitch * dim, dim, row);
    add_controls(in.levels, row);
  }
}

/// The rows of what is asked; between two levels they are mixed.
void Decoder::State::add_controls(const float* levels, float* row) {
  const float* rows = net.control_emb;
  for (std::size_t i = 0; i < config.controls.size(); ++i) {
    const int count = config.controls[i].levels;
    const float level = levels == nullptr || levels[i] < 0.0f ? static_cast<float>(count) : levels[i];
    const int below = static_cast<int>(level);
    const float share = level - static_cast<float>(below);
    if (share == 0.0f) {
      kernels.add(rows + below * dim, dim, row);
    } else {
      const float shares[] = {1.0f - share, share};
      kernels.add_rows(rows + below * dim, 2, dim, shares, 1, row, 0);
    }
    rows += (count + 1) * dim;
  }
}

/// Both streams share it: nothing in it knows the chords.
void Decoder::State::encode_stage(const DecoderInput* inputs, int count) {
  for (int t = 0; t < count; ++t)
    kernels.layer_norm(query + t * dim, net.encode_norm.weight, net.encode_norm.bias, dim, h + t * dim);
  apply(net.encode.q, rows(net.encode.q, h, count, dim), q);
  scale_queries(q, count);
  for (int t = 0; t < count; ++t) {
    net.encode_attention.push(past->ids, past->length + t, inputs[t].token);
    net.encode_attention.attend(kernels, past->ids, past->length + t, q + t * dim, scratch, attended + t * dim);
  }
  apply(net.encode.out, rows(net.encode.out, attended, count, dim), y);
  for (int t = 0; t < count; ++t) {
    kernels.add(query + t * dim, dim, y + t * dim);
    for (int s = 0; s < streams; ++s) std::copy_n(y + t * dim, dim, x + (t * streams + s) * dim);
  }
}

void Decoder::State::process_stage(Block& block, const DecoderInput* inputs, int count) {
  const int n = count * streams;
  BandRing& ring = past->bands[static_cast<std::size_t>(&block - net.blocks.data())];
  for (int i = 0; i < n; ++i)
    kernels.layer_norm(x + i * dim, block.self_norm.weight, block.self_norm.bias, dim, h + i * dim);
  const Rows in = rows(block.self.q, h, n, dim);
  apply(block.self.q, in, q);
  apply(block.self.k, in, k);
  apply(block.self.v, in, v);
  scale_queries(q, n);
  for (int t = 0; t < count; ++t) {
    const int i = t * streams;
    for (int s = 0; s < streams; ++s) ring.store(kernels, s, past->length + t, k + (i + s) * dim, v + (i + s) * dim);
    block.band.attend(kernels, ring, past->length + t, q + i * dim, dim, scratch, attended + i * dim);
  }
  apply(block.self.out, rows(block.self.out, attended, n, dim), y);
  kernels.add(y, n * dim, x);

  chord_stage(block, inputs, count);

  for (int i = 0; i < n; ++i)
    kernels.layer_norm(x + i * dim, block.ff_norm.weight, block.ff_norm.bias, dim, h + i * dim);
  apply(block.up, rows(block.up, h, n, dim), hidden);
  kernels.squared_relu(hidden, n * config.ff_dim);
  apply(block.down, rows(block.down, hidden, n, config.ff_dim), y);
  kernels.add(y, n * dim, x);
}

/// x (rows of the latents) -> h (rows before the head).
void Decoder::State::decode_stage(int count) {
  const int n = count * streams;
  for (int t = 0; t < count; ++t)
    kernels.layer_norm(query + t * dim, net.decode_norm.weight, net.decode_norm.bias, dim, h + t * dim);
  apply(net.decode.q, rows(net.decode.q, h, count, dim), q);
  scale_queries(q, count);
  for (int i = 0; i < n; ++i)
    kernels.layer_norm(x + i * dim, net.latent_norm.weight, net.latent_norm.bias, dim, h + i * dim);
  const Rows in = rows(net.decode.k, h, n, dim);
  apply(net.decode.k, in, k);
  apply(net.decode.v, in, v);
  BandRing& ring = past->bands.back();
  for (int t = 0; t < count; ++t) {
    const int i = t * streams;
    for (int s = 0; s < streams; ++s) ring.store(kernels, s, past->length + t, k + (i + s) * dim, v + (i + s) * dim);
    net.decode_attention.attend(kernels, ring, past->length + t, q + t * dim, 0, scratch, attended + i * dim);
  }
  apply(net.decode.out, rows(net.decode.out, attended, n, dim), y);
  for (int i = 0; i < n; ++i) {
    kernels.add(query + i / streams * dim, dim, y + i * dim);
    kernels.layer_norm(y + i * dim, net.out_norm.weight, net.out_norm.bias, dim, h + i * dim);
  }
}

void Decoder::State::run(const DecoderInput* inputs, Past& of, int count) {
  past = &of;
  streams = of.streams;
  see_chords(inputs, count);
  embed(inputs, count);
  encode_stage(inputs, count);
  for (Block& block : net.blocks) process_stage(block, inputs, count);
  decode_stage(count);
  of.length += count;
  of.reachable = std::min<std::int64_t>(of.reachable + count, of.keep);
}

void Decoder::State::write_logits(int t, int count, float* logits) {
  apply(net.head, rows(net.head, h + std::size_t(t * streams) * dim_, count * streams, dim), logits);
}

}  // namespace sideman
