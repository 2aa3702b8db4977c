#include "sideman/clock.h"

#include "bindings.h"

namespace sideman::bindings {

void bind_clock(pybind11::module_& module) {
  module.def("now_us", [] { return now().count(); }, "Microseconds on the monotonic clock.");
}

}  // namespace sideman::bindings
