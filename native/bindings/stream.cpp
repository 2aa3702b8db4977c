#include "sideman/stream.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "bindings.h"
#include "casters.h"

namespace pybind11::detail {

template <>
struct type_caster<sideman::StreamRules> {
  PYBIND11_TYPE_CASTER(sideman::StreamRules, const_name("native.stream_rules.StreamRules"));

  bool load(handle source, bool) {
    if (!isinstance(source, module_::import("native.stream_rules").attr("StreamRules"))) return false;
    const auto read = fields_of(source);
    read("max_note_steps", value.max_note_steps);
    read("restrike_steps", value.restrike_steps);
    read("beat_bins", value.beat_bins);
    read("bar_bins", value.bar_bins);
    read("no_chord", value.no_chord);
    read("chord_clip", value.chord_clip);
    read("chords_back", value.chords_back);
    read("chords_ahead", value.chords_ahead);
    read("leaning", value.leaning);
    read("release", value.release);
    read("chord_tones", value.chord_tones);
    read("controls", value.controls);
    read("phrase_control", value.phrase_control);
    read("phrase_bars", value.phrase_bars);
    read("phrase_grace_s", value.phrase_grace_s);
    read("ending_control", value.ending_control);
    read("ending_edges_s", value.ending_edges_s);
    const auto steer = fields_of(source.attr("steering"));
    steer("window_steps", value.steering.window_steps);
    steer("bass_below", value.steering.bass_below);
    steer("most", value.steering.most);
    steer("strike", value.steering.strike);
    steer("wait", value.steering.wait);
    steer("hold", value.steering.hold);
    steer("chord", value.steering.chord);
    steer("bass", value.steering.bass);
    steer("register", value.steering.register_);
    steer("loudness", value.steering.loudness);
    steer("offsets", value.steering.offsets);
    steer("first_notes", value.steering.first_notes);
    steer("octave", value.steering.octave);
    steer("louder", value.steering.louder);
    steer("temperature", value.steering.temperature);
    const auto pull = fields_of(source.attr("theme"));
    pull("reach", value.theme.reach);
    pull("near_beats", value.theme.near_beats);
    pull("early_steps", value.theme.early_steps);
    pull("late_steps", value.theme.late_steps);
    pull("strike", value.theme.strike);
    pull("other", value.theme.other);
    pull("end", value.theme.end);
    pull("wait", value.theme.wait);
    pull("miss", value.theme.miss);
    pull("temperature", value.theme.temperature);
    return true;
  }
};

}  // namespace pybind11::detail

namespace sideman::bindings {
namespace {

namespace py = pybind11;
using Ids = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;
using Levels = py::array_t<float, py::array::c_style | py::array::forcecast>;
using Quantities = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Events = std::vector<std::tuple<std::int64_t, int, int>>;

/// Events between two looks for Ctrl-C: some tens of milliseconds of work.
constexpr std::size_t kChunk = 256;

std::unique_ptr<Stream> make(Decoder& decoder, const Layout& layout, const StreamRules& rules, Seed seed,
                             int rollback) {
  if (rollback < 0 || rollback > 1 << 24)
    throw py::value_error("rollback " + std::to_string(rollback) + " lies outside 0..16777216");
  return std::make_unique<Stream>(decoder, layout, rules, seed.value, rollback);
}

void set_chords(Stream& stream, const Ids& ids, const Ids& steps, std::int64_t from_step) {
  if (ids.ndim() != 1 || steps.ndim() != 1 || ids.size() != steps.size())
    throw py::value_error("chord ids and steps must be two vectors of one length");
  const std::int64_t* first_id = ids.data();
  const std::int64_t* first_step = steps.data();
  const auto count = static_cast<std::size_t>(ids.size());
  const py::gil_scoped_release released;
  stream.set_chords(first_id, first_step, count, from_step);
}

void set_beat(Stream& stream, std::optional<double> bpm, std::int64_t beats_per_bar, double origin_s) {
  stream.set_beat(bpm ? std::optional(Beat{*bpm, beats_per_bar, origin_s}) : std::nullopt);
}

void set_levels(Stream& stream, const Levels& levels) {
  if (levels.ndim() != 1) throw py::value_error("levels must be a vector, one a control");
  stream.set_levels(levels.data(), static_cast<std::size_t>(levels.size()));
}

void set_targets(Stream& stream, const Quantities& quantities) {
  Targets targets;
  if (quantities.ndim() != 1 || quantities.size() != static_cast<py::ssize_t>(targets.size()))
    throw py::value_error("targets must be a vector of " + std::to_string(targets.size()));
  std::copy_n(quantities.data(), targets.size(), targets.begin());
  stream.set_targets(targets);
}

void set_form(Stream& stream, const std::vector<std::tuple<double, double, double, int>>& returns, double round_beats,
              std::optional<std::pair<double, double>> loop) {
  Form form;
  form.round_beats = round_beats;
  form.loop = loop;
  for (const auto& [begin, end, source, semitones] : returns) form.returns.push_back({begin, end, source, semitones});
  stream.set_form(form);
}

void append(Events& to, const StreamEvent* events, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to.emplace_back(events[i].step, events[i].pitch, events[i].velocity_bin);
}

void feed(Stream& stream, const Events& events) {
  std::vector<StreamEvent> fed;
  fed.reserve(events.size());
  for (const auto& [step, pitch, velocity_bin] : events) fed.push_back({step, pitch, velocity_bin});
  const py::gil_scoped_release released;
  stream.feed(fed.data(), fed.size(), [] {
    const py::gil_scoped_acquire acquired;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  });
}

void mark(Stream& stream, std::int64_t step, int token) {
  const py::gil_scoped_release released;
  stream.mark(step, token);
}

Events generate(Stream& stream, std::int64_t until, bool to_strike) {
  Events events;
  for (std::size_t count = kChunk; count == kChunk;) {
    StreamEvent chunk[kChunk];
    {
      const py::gil_scoped_release released;
      count = stream.generate(until, chunk, kChunk, to_strike);
    }
    append(events, chunk, count);
    if (to_strike && count > 0 && chunk[count - 1].velocity_bin >= 0) break;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  }
  return events;
}

std::unique_ptr<Stream> fork(const Stream& stream, Decoder& decoder, Seed seed, int rollback) {
  if (rollback < 0 || rollback > 1 << 24)
    throw py::value_error("rollback " + std::to_string(rollback) + " lies outside 0..16777216");
  return std::make_unique<Stream>(decoder, stream, seed.value, rollback);
}

void copy(Stream& stream, const Stream& other, std::int64_t same) {
  if (same < 0) throw py::value_error("a negative count of common tokens");
  if (!stream.copy(other, same)) throw py::value_error("only a fork of the same stream can be copied");
}

void rollback(Stream& stream, std::int64_t to) {
  if (!stream.rollback(to))
    throw py::value_error("cannot roll back to step " + std::to_string(to) + ": it lies beyond the tokens that are kept");
}

Events end(Stream& stream) {
  StreamEvent ends[kPitches];
  std::size_t count = 0;
  {
    const py::gil_scoped_release released;
    count = stream.end(ends);
  }
  Events events;
  append(events, ends, count);
  return events;
}

py::list sounding(const Stream& stream) {
  py::list pitches;
  for (int pitch = 0; pitch < kPitches; ++pitch)
    if (stream.sounding().has(pitch)) pitches.append(pitch);
  return pitches;
}

py::array_t<float> logits(Stream& stream) {
  const float* values = nullptr;
  {
    const py::gil_scoped_release released;
    values = stream.logits();
  }
  return py::array_t<float>({py::ssize_t{2}, py::ssize_t{stream.layout().num_ids}}, values);
}

}  // namespace

void bind_stream(py::module_& module) {
  py::class_<Stream>(module, "Stream", "The token loop of a session: engine.inference.stream.Stream, compiled.")
      .def(py::init(&make), py::arg("decoder"), py::arg("layout"), py::arg("rules"), py::arg("seed"),
           py::arg("rollback"), py::keep_alive<1, 2>())
      .def_property_readonly("step", &Stream::step)
      .def_property_readonly("until", &Stream::until)
      .def_property_readonly("length", &Stream::length)
      .def_property_readonly("log_probability", &Stream::log_probability, "Of all tokens so far, under the model.")
      .def("sounding", &sounding)
      .def("set_params", &Stream::set_params, py::arg("params"), py::arg("chord_strength"))
      .def("set_chords", &set_chords, py::arg("ids"), py::arg("steps"), py::arg("from_step"))
      .def("set_leaning", &Stream::set_leaning, py::arg("leans"))
      .def("set_beat", &set_beat, py::arg("bpm"), py::arg("beats_per_bar"), py::arg("origin_s"))
      .def("set_levels", &set_levels, py::arg("levels"), "What is asked of each control; -1: unknown.")
      .def("set_targets", &set_targets, py::arg("targets"), "Quantities that the draw leans towards; NaN: none.")
      .def("set_phrase", &Stream::set_phrase, py::arg("origin_s"))
      .def("set_form", &set_form, py::arg("returns"), py::arg("round_beats"), py::arg("loop") = std::nullopt,
           "What comes back in the form.")
      .def("set_theme", &Stream::set_theme, py::arg("strength"), "How much what comes back is like it was: 0 to 1.")
      .def("set_ending", &Stream::set_ending, py::arg("step"))
      .def("refresh", &Stream::refresh)
      .def("feed", &feed, py::arg("events"))
      .def("mark", &mark, py::arg("step"), py::arg("token"), "Takes a token that is no event.")
      .def("generate", &generate, py::arg("until"), py::arg("to_strike") = false,
           "Improvise without Python; the GIL is released.")
      .def("fork", &fork, py::arg("decoder"), py::arg("seed"), py::arg("rollback"), py::keep_alive<0, 2>(),
           "Goes on from the same past, with a fork of the decoder and random numbers of its own.")
      .def("copy", &copy, py::arg("other"), py::arg("same"),
           "Becomes what another fork of one stream is; the first `same` tokens are common to both.")
      .def("set_seed", [](Stream& stream, Seed seed) { stream.set_seed(seed.value); }, py::arg("seed"),
           "Draws the random numbers of another seed from the next token on.")
      .def("shift", &Stream::shift, py::arg("steps"), "Takes place so many steps later.")
      .def("rollback", &rollback, py::arg("to"))
      .def("end", &end)
      .def("logits", &logits);
}

}  // namespace sideman::bindings
