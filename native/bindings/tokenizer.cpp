#include "sideman/tokenizer.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <optional>

#include "bindings.h"
#include "casters.h"

namespace sideman::bindings {
namespace {

namespace py = pybind11;
template <typename T>
using Column = py::array_t<T, py::array::c_style | py::array::forcecast>;

py::array_t<std::uint16_t> encode_columns(const Layout& layout, const Column<double>& onset_s,
                                          const Column<double>& offset_s, const Column<std::int64_t>& pitch,
                                          const Column<std::int64_t>& velocity,
                                          const std::optional<Column<double>>& pedal_s,
                                          const std::optional<Column<bool>>& pedal_down) {
  const py::ssize_t size = onset_s.size();
  if (offset_s.size() != size || pitch.size() != size || velocity.size() != size)
    throw py::value_error("onset_s, offset_s, pitch and velocity differ in length: pass one entry a note in each");
  if (pedal_s.has_value() != pedal_down.has_value())
    throw py::value_error("pedal_s and pedal_down belong together: pass both or neither");
  PedalColumns pedal{nullptr, nullptr, 0};
  if (pedal_s) {
    if (pedal_s->size() != pedal_down->size())
      throw py::value_error("pedal_s and pedal_down differ in length: pass one state a time");
    pedal = {pedal_s->data(), pedal_down->data(), static_cast<std::size_t>(pedal_s->size())};
  }
  const NoteColumns notes{onset_s.data(), offset_s.data(), pitch.data(), velocity.data(),
                          static_cast<std::size_t>(size)};
  std::vector<std::uint16_t> tokens;
  {
    py::gil_scoped_release release;
    tokens = encode(layout, notes, pedal);
  }
  return py::array_t<std::uint16_t>(static_cast<py::ssize_t>(tokens.size()), tokens.data());
}

template <typename T, typename Items, typename Field>
py::array_t<T> column(const Items& items, Field field) {
  py::array_t<T> values(static_cast<py::ssize_t>(items.size()));
  std::transform(items.begin(), items.end(), values.mutable_data(), field);
  return values;
}

py::tuple decode_ids(const Layout& layout, const py::object& ids) {
  Decoded decoded;
  if (py::isinstance<Column<std::uint16_t>>(ids)) {  // what encode() makes: no copy
    const auto tokens = py::reinterpret_borrow<Column<std::uint16_t>>(ids);
    const std::uint16_t* data = tokens.data();
    const auto size = static_cast<std::size_t>(tokens.size());
    py::gil_scoped_release release;
    decoded = decode(layout, data, size);
  } else {
    const Column<std::int64_t> tokens(ids);  // throws what numpy raises
    const std::int64_t* data = tokens.data();
    const auto size = static_cast<std::size_t>(tokens.size());
    py::gil_scoped_release release;
    decoded = decode(layout, data, size);
  }
  const auto& [notes, pedal] = decoded;
  return py::make_tuple(column<std::int64_t>(notes, [](const DecodedNote& note) { return note.onset_step; }),
                        column<std::int64_t>(notes, [](const DecodedNote& note) { return note.offset_step; }),
                        column<std::uint8_t>(notes, [](const DecodedNote& note) { return note.pitch; }),
                        column<std::uint8_t>(notes, [](const DecodedNote& note) { return note.velocity; }),
                        column<std::int64_t>(pedal, [](const DecodedPedal& change) { return change.step; }),
                        column<bool>(pedal, [](const DecodedPedal& change) { return change.down; }));
}

}  // namespace

void bind_tokenizer(py::module_& module) {
  module.def("encode", &encode_columns, py::arg("layout"), py::arg("onset_s"), py::arg("offset_s"), py::arg("pitch"),
             py::arg("velocity"), py::arg("pedal_s") = py::none(), py::arg("pedal_down") = py::none(),
             "Notes in any order, and pedal changes or none -> (T,) uint16 tokens.");
  module.def("decode", &decode_ids, py::arg("layout"), py::arg("ids"),
             "(T,) tokens -> onset_step, offset_step, pitch, velocity, pedal_step, pedal_down.");
}

}  // namespace sideman::bindings
