#include "sideman/philox.h"

#include <pybind11/stl.h>

#include <cstdint>
#include <tuple>

#include "bindings.h"

namespace sideman::bindings {

void bind_philox(pybind11::module_& module) {
  namespace py = pybind11;
  using Word = std::uint32_t;

  module.def(
      "philox4x32",
      [](const std::tuple<Word, Word, Word, Word>& counter, const std::tuple<Word, Word>& key) {
        const auto words =
            philox4x32({std::get<0>(counter), std::get<1>(counter), std::get<2>(counter), std::get<3>(counter)},
                       {std::get<0>(key), std::get<1>(key)});
        return std::make_tuple(words[0], words[1], words[2], words[3]);
      },
      py::arg("counter"), py::arg("key"),
      "Four 32-bit words from a 128-bit counter and a 64-bit key, least significant word first.");
}

}  // namespace sideman::bindings
