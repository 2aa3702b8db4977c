#include "decoder_state.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>

namespace sideman {
namespace {

Precision checked(Precision precision, int streams) {
  if (streams != 1 && streams != 2) throw std::invalid_argument("streams must be 1 or 2");
  return precision;
}

const Kernels& named_kernels(const char* name) {
  if (name == nullptr) return best_kernels();
  for (const Kernels* variant : available_kernels())
    if (std::strcmp(variant->name, name) == 0) return *variant;
  throw std::invalid_argument(std::string("no kernel ") + name + " on this machine");
}

}  // namespace

Decoder::State::State(const DecoderConfig& c, const Tensors& tensors, Precision kept, int num_streams,
                      const char* kernel)
    : config(c),
      kernels(named_kernels(kernel)),
      precision(checked(kept, num_streams)),
      exact(precision == Precision::kExact),
      dim(c.dim),
      dim_(std::size_t(c.dim)),
      query_scale(1.0f / std::sqrt(static_cast<float>(c.dim / std::max(1, c.heads)))),
      net(c, tensors, precision, kernels, arena),
      scratch(net.longest_scratch, c.dim / c.heads, arena),
      viewed(std::size_t(c.chords_in_view)) {
  slot_of_chord.assign(std::size_t(c.num_chords), -1);
  newest_slots.column.assign(std::size_t(c.chords_in_view), -1);
  newest_slots.slot.resize(std::size_t(c.chords_in_view));
  for (ChordSlots& slots : slots_of) slots = newest_slots;
  constexpr std::size_t kMost = 2 * kRows;
  const auto row = [&](int width) { return arena.take<float>(kMost * std::size_t(width)); };
  query = row(dim), x = row(dim), h = row(dim), y = row(dim), q = row(dim), k = row(dim), v = row(dim);
  attended = row(dim), hidden = row(c.ff_dim);
  const int widest = std::max(dim, c.ff_dim);
  quantised = arena.take<std::int16_t>(kMost * std::size_t(widest));
  words = row(kInputWords * (widest / kBlockInputs + 1));
  low_rank = row(kMaxRank);

  const std::size_t table = std::size_t(c.event_ids) * dim_;
  base_k = arena.take<float>(table), base_v = arena.take<float>(table);
  table_k = arena.take<float>(table), table_v = arena.take<float>(table);
  fill_tables(net.encode.k, base_k);
  fill_tables(net.encode.v, base_v);
  blend_tables();
  chord_kv = arena.take<float>(std::size_t(c.layers) * std::size_t(c.num_chords) * 2 * dim_);
  chord_stamp = arena.take<std::uint32_t>(std::size_t(c.num_chords));
}

}  // namespace sideman
