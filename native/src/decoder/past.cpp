#include "past.h"

#include <algorithm>

namespace sideman {

Past::Past(const DecoderConfig& c, Precision precision, int rollback, int num_streams)
    : band(c.band),
      context(c.context),
      keep(rollback),
      streams(num_streams),
      ids(c.context, rollback + Decoder::kRows, c.event_ids, arena),
      sounding(std::size_t(rollback + Decoder::kRows + 2)) {
  for (int layer = 0; layer <= c.layers; ++layer)
    bands.emplace_back(c.band, rollback + Decoder::kRows, num_streams, c.heads, c.dim / c.heads, precision, arena);
}

void Past::copy(const Past& other, std::int64_t same) noexcept {
  if (this == &other) return;
  std::int64_t oldest = std::max(other.length - other.reachable, other.length - keep);
  if (const std::int64_t mine = length - reachable; same <= length && mine <= same)
    oldest = std::max(oldest, mine);
  else
    same = 0;
  length = other.length;
  reachable = length - oldest;
  const std::int64_t first = std::max<std::int64_t>(0, oldest - band);
  for (std::size_t i = 0; i < bands.size(); ++i) bands[i].copy(other.bands[i], std::max(first, same), length);
  ids.copy(other.ids, std::max<std::int64_t>(0, oldest - context), length);
  for (std::int64_t at = oldest - 1; at < length; ++at)
    sounding_after(at) = other.sounding[static_cast<std::size_t>(at + 1) % other.sounding.size()];
}

}  // namespace sideman
