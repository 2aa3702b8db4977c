#pragma once

#include <cstdint>
#include <vector>

#include "attention.h"
#include "sideman/decoder.h"
#include "sideman/sampler.h"

namespace sideman {

/// What a decoder remembers of its stream: ids, keys and values, the notes that sound. It is all that forks of one
/// decoder do not share. Rings of `band + rollback` positions, so that taking tokens back changes a counter.
struct Past {
  Past(const DecoderConfig& config, Precision precision, int rollback, int streams);

  /// Becomes what `other`, of the same network, is; reaches back as far as it can. A stream that `other` lacks becomes what
  /// its first is. The first `same` tokens are known to be the same here and there and are not copied. Realtime-safe: yes.
  void copy(const Past& other, std::int64_t same) noexcept;

  /// The notes that sound after a position, from a ring; position -1 is the silence before the stream.
  PitchSet& sounding_after(std::int64_t position) {
    return sounding[static_cast<std::size_t>(position + 1) % sounding.size()];
  }

  const int band, context, keep, streams;
  Arena arena;
  std::vector<BandRing> bands;  // of the process layers, then of the decode stage
  IdRing ids;
  std::vector<PitchSet> sounding;
  std::int64_t length = 0, reachable = 0;
};

}  // namespace sideman
