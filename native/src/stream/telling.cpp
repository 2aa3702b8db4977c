// What a stream is told. Each setter refuses first, by limits.h, so that no token can fail half-way for what it was told.
#include <algorithm>
#include <cmath>

#include "limits.h"
#include "sideman/stream.h"

namespace sideman {

void Stream::set_params(const SamplerParams& params, double chord_strength) {
  check_strength(chord_strength);
  if (chord_strength != 1.0 && decoder_.streams() == 1) {
    decoder_.guide();
    refresh();
  }
  sampler_.set_params(params);
  asked_.temperature = params.temperature;
  asked_.chord_strength = static_cast<float>(chord_strength);
  drawn_.reset();
}

void Stream::set_chords(const std::int64_t* ids, const std::int64_t* steps, std::size_t count, std::int64_t from_step) {
  check_chords(decoder_.config(), ids, steps, count);
  asked_.chords.replace(ids, steps, count);
  refresh();
  if (from_step == until_ && until_ > step_) move_to(until_);
}

void Stream::set_leaning(bool leans) noexcept {
  asked_.leans = leans;
  drawn_.reset();
}

void Stream::set_beat(const std::optional<Beat>& beat) {
  if (beat) check_beat(*beat);
  asked_.beat = beat.value_or(Beat{});
  refresh();
}

void Stream::set_levels(const float* levels, std::size_t count) {
  decoder_.check_levels(levels, count);
  asked_.levels.assign(levels, levels + count);
  refresh();
}

void Stream::set_targets(const Targets& targets) {
  check_targets(targets);
  asked_.targets = targets;
  asked_.steers = rules_.steering.window_steps > 0 &&
            std::any_of(targets.begin(), targets.end(), [](double target) { return !std::isnan(target); });
  drawn_.reset();
}

void Stream::set_phrase(std::optional<double> origin_s) {
  if (origin_s) check_second("a form", *origin_s);
  asked_.form_s = origin_s;
  refresh();
}

void Stream::set_form(const Form& form) {
  check_form(form);
  asked_.form.returns.assign(form.returns.begin(), form.returns.end());
  asked_.form.round_beats = form.round_beats;
  asked_.form.loop = form.loop;
  drawn_.reset();
}

void Stream::set_theme(double strength) {
  check_theme(strength);
  asked_.theme = strength;
  drawn_.reset();
}

void Stream::set_ending(std::optional<std::int64_t> step) {
  if (step) check_step(*step);
  asked_.end_step = step;
  refresh();
}

}  // namespace sideman
