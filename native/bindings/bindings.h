#pragma once

#include <pybind11/pybind11.h>

// One function per concept, each in the file of its name; _core.cpp calls them.
namespace sideman::bindings {

void bind_clock(pybind11::module_& module);
void bind_decoder(pybind11::module_& module);
void bind_midi_ring(pybind11::module_& module);
void bind_philox(pybind11::module_& module);
void bind_sampler(pybind11::module_& module);
void bind_scheduler(pybind11::module_& module);
void bind_stream(pybind11::module_& module);
void bind_tokenizer(pybind11::module_& module);

}  // namespace sideman::bindings
