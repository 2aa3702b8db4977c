#include "sideman/steering.h"

#include <algorithm>
#include <cmath>

namespace sideman {
namespace {

double limited(double x, double most) noexcept { return std::max(-most, std::min(most, x)); }

}  // namespace

void steer(const Steering& steering, const Heard& heard, const Targets& targets, const Layout& layout,
           double temperature, float* logits) noexcept {
  const double step_s = layout.step_ms / 1000.0;
  const double most = steering.most;
  const double heat = temperature / steering.temperature;
  float* const strikes = logits + layout.note_on;
  float* const ends = logits + layout.note_off;
  float* const waits = logits + layout.time_shift;
  float* const velocities = logits + layout.velocity;
  const auto add = [](float* to, int count, double nats) {
    for (int i = 0; i < count; ++i) to[i] += static_cast<float>(nats);
  };
  // How many times more of something a second is asked than was heard, as a natural logarithm.
  const auto missing = [&](Target which, double total) {
    const double window_s = static_cast<double>(steering.window_steps) * step_s;
    const double target = targets[which];
    const double per_s = (total + target * (window_s - static_cast<double>(heard.steps) * step_s)) / window_s;
    return std::log((target + steering.offsets[which]) / (per_s + steering.offsets[which]));
  };
  const auto mean = [&](double target, std::int64_t total, std::int64_t count) {
    return (static_cast<double>(total) + target * steering.first_notes) /
           (static_cast<double>(count) + steering.first_notes);
  };
  const auto spread = [&](double slope, double distance) {
    return limited(limited(slope, most) * distance, 2 * most);
  };

  if (const double target = targets[kDensity]; !std::isnan(target)) {
    const double nats = missing(kDensity, static_cast<double>(heard.strikes));
    const double more = limited(steering.strike * nats, most);
    add(strikes, kPitches, more);
    add(velocities, layout.num_velocities, more);  // one leads to a strike
    const double shorter = limited(steering.wait * nats, most);
    for (int i = 0; i < layout.num_shifts; ++i)
      waits[i] -= static_cast<float>(shorter * std::log((i + 1) * step_s / 0.1));
  }
  if (const double target = targets[kLoudness]; !std::isnan(target)) {
    const double nats = steering.loudness * (target - mean(target, heard.velocities, heard.strikes)) / steering.louder;
    const double from = heard.velocity >= 0 ? static_cast<double>(heard.velocity) : target;
    for (int i = 0; i < layout.num_velocities; ++i)
      velocities[i] += static_cast<float>(
          spread(nats, (i * layout.velocity_width() + layout.velocity_width() / 2 - from) / steering.louder));
  }
  if (const double target = targets[kRegister]; !std::isnan(target)) {
    const double nats = steering.register_ * (target - mean(target, heard.pitches, heard.strikes)) / steering.octave;
    for (int pitch = 0; pitch < kPitches; ++pitch)
      strikes[pitch] += static_cast<float>(heat * spread(nats, (pitch - target) / steering.octave));
  }
  if (const double target = targets[kThickness]; !std::isnan(target)) {
    const double nats = missing(kThickness, static_cast<double>(heard.sounding_steps) * step_s);
    add(ends, kPitches, -limited(steering.hold * nats, most));
    if (heard.struck_now) {  // the chord of this moment; a line alone stays as dense as it is
      const double more = limited(steering.chord * nats, most);
      add(strikes, kPitches, more);
      add(velocities, layout.num_velocities, more);
    }
  }
  if (const double target = targets[kBass]; !std::isnan(target))
    add(strikes, std::min(steering.bass_below, kPitches),
        heat * limited(steering.bass * missing(kBass, static_cast<double>(heard.bass)), most));
}

}  // namespace sideman
