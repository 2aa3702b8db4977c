#pragma once

#include <cstddef>
#include <cstdint>

#include "sideman/conditions.h"
#include "sideman/decoder.h"
#include "sideman/stream_rules.h"
#include "sideman/theme.h"

namespace sideman {

// What a stream can be told; engine/inference/draw/limits.py is the specification. Each of these throws
// std::invalid_argument for what lies beyond. Thread-safe: yes. Realtime-safe: yes, where they throw nothing.

/// True for a step that lies near enough to be counted with.
bool is_step(std::int64_t step) noexcept;

void check_step(std::int64_t step);
void check_second(const char* what, double second);
void check_beat(const Beat& beat);
void check_chords(const DecoderConfig& config, const std::int64_t* ids, const std::int64_t* steps, std::size_t count);
void check_strength(double chord_strength);
void check_theme(double strength);
void check_targets(const Targets& targets);
void check_form(const Form& form);

/// Checks that the network has a row for whatever a stream of these rules will ask: it would be refused when half of it
/// has happened.
void check_rules(const DecoderConfig& config, const StreamRules& rules);

}  // namespace sideman
