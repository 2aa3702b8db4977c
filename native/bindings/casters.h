#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>
#include <type_traits>

#include "sideman/layout.h"
#include "sideman/sampler.h"

namespace sideman::bindings {

/// Any whole number of Python's or numpy's. ValueError outside 0..2**64-1.
struct Seed {
  std::uint64_t value = 0;
};

}  // namespace sideman::bindings

namespace pybind11::detail {

template <>
struct type_caster<sideman::bindings::Seed> {
  PYBIND11_TYPE_CASTER(sideman::bindings::Seed, const_name("int"));

  bool load(handle source, bool) {
    const auto number = reinterpret_steal<object>(PyNumber_Index(source.ptr()));
    if (number) value.value = PyLong_AsUnsignedLongLong(number.ptr());
    const bool is_refused = PyErr_Occurred() != nullptr;
    PyErr_Clear();
    if (number && is_refused) throw value_error("seed " + std::string(str(number)) + " lies outside 0..2**64-1");
    return !is_refused;
  }
};

// Plain data is a frozen Python dataclass (native/layout.py, native/sampler_params.py) that checks itself, for both
// variants; here it is read field by field.

/// Reads the fields of plain data by their names, each as the type of what takes it.
inline auto fields_of(const handle& source) {
  return [from = reinterpret_borrow<object>(source)](const char* key, auto& field) {
    field = from.attr(key).cast<std::remove_reference_t<decltype(field)>>();
  };
}

template <>
struct type_caster<sideman::Layout> {
  PYBIND11_TYPE_CASTER(sideman::Layout, const_name("native.layout.Layout"));

  bool load(handle source, bool) {
    if (!isinstance(source, module_::import("native.layout").attr("Layout"))) return false;
    const auto read = fields_of(source);
    read("note_on", value.note_on);
    read("note_off", value.note_off);
    read("time_shift", value.time_shift);
    read("num_shifts", value.num_shifts);
    read("velocity", value.velocity);
    read("num_velocities", value.num_velocities);
    read("pad", value.pad);
    read("bos", value.bos);
    read("eos", value.eos);
    read("pedal_on", value.pedal_on);
    read("pedal_off", value.pedal_off);
    read("num_ids", value.num_ids);
    read("step_ms", value.step_ms);
    return true;
  }
};

template <>
struct type_caster<sideman::SamplerParams> {
  PYBIND11_TYPE_CASTER(sideman::SamplerParams, const_name("native.sampler_params.SamplerParams"));

  bool load(handle source, bool) {
    if (!isinstance(source, module_::import("native.sampler_params").attr("SamplerParams"))) return false;
    const auto read = fields_of(source);
    read("temperature", value.temperature);
    read("top_p", value.top_p);
    read("top_k", value.top_k);
    read("min_p", value.min_p);
    read("register_low", value.register_low);
    read("register_high", value.register_high);
    read("clear_low", value.clear_low);
    read("clear_high", value.clear_high);
    read("polyphony", value.polyphony);
    read("repetition", value.repetition);
    read("scale_mask", value.scale_mask);
    read("keep_timing", value.keep_timing);
    return true;
  }
};

}  // namespace pybind11::detail
