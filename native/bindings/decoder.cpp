#include "sideman/decoder.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "bindings.h"
#include "sideman/bandwidth.h"

namespace sideman::bindings {
namespace {

namespace py = pybind11;
using Ids = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;
using Levels = std::optional<py::array_t<float, py::array::c_style | py::array::forcecast>>;
using Matrix = py::array_t<float, py::array::c_style>;

/// An array as the decoder reads it; nothing is copied. `keep` holds what must outlive the construction.
const void* contiguous(const py::array& array, const std::string& name) {
  if (!(array.flags() & py::array::c_style)) throw py::value_error(name + " is not contiguous: pass a C-ordered array");
  return array.data();
}

std::pair<int, int> shape_of(const py::array& array, const std::string& name) {
  if (array.ndim() != 1 && array.ndim() != 2) throw py::value_error(name + " is neither a vector nor a matrix");
  for (py::ssize_t i = 0; i < array.ndim(); ++i)
    if (array.shape(i) > 1 << 24) throw py::value_error(name + " is larger than any network's tensor");
  const auto at = [&](py::ssize_t i) { return static_cast<int>(array.shape(i)); };
  return array.ndim() == 1 ? std::pair(1, at(0)) : std::pair(at(0), at(1));
}

Tensors read_tensors(const py::dict& arrays) {
  static const std::string kAbsmax = ".absmax";
  Tensors tensors;
  for (const auto& [key, value] : arrays) {
    const auto name = key.cast<std::string>();
    if (name.size() > kAbsmax.size() && name.compare(name.size() - kAbsmax.size(), kAbsmax.size(), kAbsmax) == 0)
      continue;  // read with its codes
    const auto array = value.cast<py::array>();
    Tensor tensor;
    tensor.data = contiguous(array, name);
    std::tie(tensor.rows, tensor.columns) = shape_of(array, name);
    if (array.dtype().is(py::dtype::of<float>())) {
      tensor.kind = Tensor::Kind::kFloat32;
    } else if (array.dtype().kind() == 'f' && array.itemsize() == 2) {
      tensor.kind = Tensor::Kind::kFloat16;
    } else if (array.dtype().is(py::dtype::of<std::uint8_t>())) {
      if (!arrays.contains(name + kAbsmax)) throw py::value_error(name + " holds codes without " + kAbsmax);
      const auto absmax = arrays[py::str(name + kAbsmax)].cast<py::array>();
      tensor.kind = Tensor::Kind::kNf4;
      tensor.columns *= 2;
      if (!absmax.dtype().is(py::dtype::of<float>()) ||
          shape_of(absmax, name + kAbsmax) != std::pair(tensor.rows, tensor.columns / 64))
        throw py::value_error(name + kAbsmax + " does not fit its codes");
      tensor.absmax = static_cast<const float*>(contiguous(absmax, name + kAbsmax));
    } else {
      throw py::value_error(name + " is " + std::string(py::str(array.dtype())) + ": give float32, float16 or NF4 codes");
    }
    tensors.emplace(name, tensor);
  }
  return tensors;
}

DecoderConfig read_config(const py::dict& sizes) {
  DecoderConfig config;
  const std::pair<const char*, int*> fields[] = {
      {"dim", &config.dim}, {"band", &config.band}, {"layers", &config.layers}, {"heads", &config.heads},
      {"ff_dim", &config.ff_dim}, {"context", &config.context}, {"distances", &config.distances},
      {"vocabulary", &config.vocabulary}, {"event_ids", &config.event_ids}, {"note_on", &config.note_on},
      {"note_off", &config.note_off}, {"first_chord", &config.first_chord},
      {"num_chords", &config.num_chords}, {"beat_bins", &config.beat_bins}, {"bar_bins", &config.bar_bins},
      {"chord_rows", &config.chord_rows}, {"chords_in_view", &config.chords_in_view}};
  for (const auto& [name, field] : fields) *field = sizes[name].cast<int>();
  for (const auto& control : sizes["controls"].cast<std::vector<std::tuple<std::string, int, bool>>>())
    config.controls.push_back({std::get<0>(control), std::get<1>(control), std::get<2>(control)});
  return config;
}

Precision read_precision(const std::string& name) {
  if (name == "exact") return Precision::kExact;
  if (name == "int16") return Precision::kInt16;
  if (name == "int8") return Precision::kInt8;
  throw py::value_error("precision " + name + ": exact, int16 or int8");
}

std::unique_ptr<Decoder> make(const py::dict& sizes, const py::dict& tensors, const std::string& precision,
                              int rollback, int streams, const std::optional<std::string>& kernel) {
  return std::make_unique<Decoder>(read_config(sizes), read_tensors(tensors), read_precision(precision), rollback,
                                   streams, kernel ? kernel->c_str() : nullptr);
}

Matrix logits_of(const Decoder& decoder) {
  return Matrix({py::ssize_t{decoder.streams()}, py::ssize_t{decoder.event_ids()}});
}

void read_chords(DecoderInput& input, const Ids& ids, const Ids& rows) {
  if (ids.ndim() != 1 || rows.ndim() != 1 || ids.shape(0) != rows.shape(0) || ids.shape(0) > 1 << 16)
    throw py::value_error("chord ids and rows must be two vectors of one length");
  input.chord_ids = ids.data();
  input.chord_rows = rows.data();
  input.num_chords = static_cast<int>(ids.shape(0));
}

/// One row of levels a token, or none: (K,) for step(), (n, K) for feed().
void read_levels(const Decoder& decoder, const Levels& levels, std::vector<DecoderInput>& inputs, py::ssize_t ndim) {
  if (!levels) return;
  const auto count = static_cast<py::ssize_t>(inputs.size());
  if (levels->ndim() != ndim || (ndim == 2 && levels->shape(0) != count))
    throw py::value_error("levels must be one number a control" + std::string(ndim == 2 ? ", a row a token" : ""));
  const auto width = static_cast<std::size_t>(levels->shape(ndim - 1));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    inputs[i].levels = levels->data() + i * width;
    decoder.check_levels(inputs[i].levels, width);
  }
}

Matrix step(Decoder& decoder, int token, int beat, int bar, const Ids& chord_ids, const Ids& chord_rows,
            const Levels& levels) {
  std::vector<DecoderInput> inputs(1);
  inputs[0].token = token;
  inputs[0].beat = beat;
  inputs[0].bar = bar;
  read_chords(inputs[0], chord_ids, chord_rows);
  read_levels(decoder, levels, inputs, 1);
  Matrix logits = logits_of(decoder);
  float* out = logits.mutable_data();
  const py::gil_scoped_release released;
  decoder.feed(inputs.data(), 1, out);
  return logits;
}

/// Tokens under one view of the chords.
Matrix feed(Decoder& decoder, const Ids& tokens, const Ids& beats, const Ids& bars, const Ids& chord_ids,
            const Ids& chord_rows, const Levels& levels) {
  const py::ssize_t count = tokens.size();
  if (tokens.ndim() != 1 || beats.ndim() != 1 || bars.ndim() != 1 || beats.size() != count || bars.size() != count ||
      count < 1 || count > 1 << 24)
    throw py::value_error("tokens, beats and bars must be vectors of one length, at least one long");
  DecoderInput first;
  read_chords(first, chord_ids, chord_rows);
  std::vector<DecoderInput> inputs(static_cast<std::size_t>(count), first);
  const auto narrow = [](std::int64_t value) {
    return value < 0 || value > 1 << 20 ? -1 : static_cast<int>(value);  // -1 is refused with the rest
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    inputs[i].token = narrow(tokens.data()[i]);
    inputs[i].beat = narrow(beats.data()[i]);
    inputs[i].bar = narrow(bars.data()[i]);
  }
  read_levels(decoder, levels, inputs, 2);
  Matrix logits = logits_of(decoder);
  float* out = logits.mutable_data();
  const py::gil_scoped_release released;
  decoder.feed(inputs.data(), static_cast<int>(count), out);
  return logits;
}

void rollback(Decoder& decoder, std::int64_t tokens) {
  if (!decoder.rollback(tokens))
    throw py::value_error("cannot roll back " + std::to_string(tokens) + " tokens: " +
                          std::to_string(decoder.reachable()) + " are kept");
}

void copy(Decoder& decoder, const Decoder& other, std::int64_t same) {
  if (same < 0) throw py::value_error("a negative count of common tokens");
  if (!decoder.copy(other, same)) throw py::value_error("only a fork of the same decoder can be copied");
}

void set_style(Decoder& decoder, int slot, const py::dict& modules) {
  Style style;
  for (const auto& [key, value] : modules) {
    const auto name = key.cast<std::string>();
    const auto parts = value.cast<py::tuple>();
    if (parts.size() != 3) throw py::value_error(name + ": give (A, B, scale)");
    const auto a = parts[0].cast<py::array>(), b = parts[1].cast<py::array>();
    if (!a.dtype().is(py::dtype::of<float>()) || !b.dtype().is(py::dtype::of<float>()) || a.ndim() != 2 ||
        b.ndim() != 2 || a.shape(0) != b.shape(1))
      throw py::value_error(name + ": A (rank, in) and B (out, rank) must be float32 matrices of one rank");
    AdapterTensor adapter;
    adapter.a = static_cast<const float*>(contiguous(a, name));
    adapter.b = static_cast<const float*>(contiguous(b, name));
    std::tie(adapter.rank, adapter.columns) = shape_of(a, name);
    adapter.rows = shape_of(b, name).first;
    adapter.scale = parts[2].cast<float>();
    style.emplace(name, adapter);
  }
  decoder.set_style(slot, style);
}

void set_style_weights(Decoder& decoder, const std::vector<float>& weights) {
  if (weights.size() != Decoder::kStyles)
    throw py::value_error(std::to_string(weights.size()) + " style weights: give " + std::to_string(Decoder::kStyles));
  float all[Decoder::kStyles];
  std::copy(weights.begin(), weights.end(), all);
  const py::gil_scoped_release released;
  decoder.set_style_weights(all);
}

}  // namespace

void bind_decoder(py::module_& module) {
  py::class_<Decoder>(module, "Decoder", "The network one token at a time, on NF4 weights.")
      .def(py::init(&make), py::arg("sizes"), py::arg("tensors"), py::arg("precision"), py::arg("rollback"),
           py::arg("streams"), py::arg("kernel") = py::none())
      .def("fork", [](const Decoder& decoder, int rollback) { return std::make_unique<Decoder>(decoder, rollback); },
           py::arg("rollback"), "The same weights, styles and past; each goes on alone.")
      .def("copy", &copy, py::arg("other"), py::arg("same"),
           "Become what another fork is; the first `same` tokens are common to both.")
      .def("guide", &Decoder::guide, "Begin the stream without chords, with the other's past.")
      .def("step", &step, py::arg("token"), py::arg("beat"), py::arg("bar"), py::arg("chord_ids"),
           py::arg("chord_rows"), py::arg("levels") = py::none(), "Feed a token: (streams, event_ids) logits of the next.")
      .def("feed", &feed, py::arg("tokens"), py::arg("beats"), py::arg("bars"), py::arg("chord_ids"),
           py::arg("chord_rows"), py::arg("levels") = py::none(), "Feed tokens under one view of the chords: the logits after the last.")
      .def("rollback", &rollback, py::arg("tokens"), "Forget the last tokens.")
      .def("set_style", &set_style, py::arg("slot"), py::arg("modules"), "Adapters by module; none empties the slot.")
      .def("set_style_weights", &set_style_weights, py::arg("weights"), "How much of each slot acts from now on.")
      .def_property_readonly("length", &Decoder::length)
      .def_property_readonly("streams", &Decoder::streams)
      .def_property_readonly("kernel", &Decoder::kernel)
      .def_property_readonly("memory_bytes", &Decoder::memory_bytes)
      .def_property_readonly("token_bytes", &Decoder::token_bytes);
  module.def(
      "read_bandwidth",
      [](std::size_t bytes, int streams, double seconds) {
        if (!(seconds >= 0.0 && seconds <= 60.0)) throw py::value_error("a reading lasts 0 to 60 seconds");
        const py::gil_scoped_release released;
        return read_bandwidth(bytes, streams, seconds);
      },
      py::arg("bytes"), py::arg("streams"), py::arg("seconds"), "Bytes a second that one core reads.");
  module.def("kernels", &kernel_variants, "Kernel variants that this machine runs, the best first.");
  module.def("kernel", &best_kernel, "The one that decoders use: the best, or SIDEMAN_KERNEL.");
}

}  // namespace sideman::bindings
