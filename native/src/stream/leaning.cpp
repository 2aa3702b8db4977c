#include "sideman/leaning.h"

#include <algorithm>
#include <cmath>

namespace sideman {
namespace {

double log_sum(const float* x, int count) noexcept {
  const double top = *std::max_element(x, x + count);
  if (!std::isfinite(top)) return top;
  double sum = 0.0;
  for (int i = 0; i < count; ++i) sum += std::exp(x[i] - top);
  return top + std::log(sum);
}

}  // namespace

void lean(const std::vector<float>& leaning, const Beat& beat, const Layout& layout, std::int64_t step,
          float* logits) noexcept {
  if (beat.bpm <= 0.0 || leaning.empty()) return;
  float* waits = logits + layout.time_shift;
  const auto bins = static_cast<double>(leaning.size());
  const auto pull = [&](int i) {
    const double position =
        (static_cast<double>(step + 1 + i) * (layout.step_ms / 1000.0) - beat.origin_s) * beat.bpm / 60.0;
    const auto place = static_cast<std::size_t>(std::floor((position - std::floor(position)) * bins + 0.5));
    return leaning[place % leaning.size()];
  };
  const double before = log_sum(waits, layout.num_shifts);
  if (!std::isfinite(before)) return;  // no numbers to begin with: the sampler says so
  for (int i = 0; i < layout.num_shifts; ++i) waits[i] += pull(i);
  const auto correction = static_cast<float>(before - log_sum(waits, layout.num_shifts));
  for (int i = 0; i < layout.num_shifts; ++i) waits[i] += correction;
}

}  // namespace sideman
