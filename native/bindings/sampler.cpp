#include "sideman/sampler.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <string>

#include "bindings.h"
#include "casters.h"

namespace sideman::bindings {
namespace {

namespace py = pybind11;
using Logits = py::array_t<float, py::array::c_style | py::array::forcecast>;

constexpr const char* kBadLogits = "logits of the legal tokens hold NaN, +inf or nothing but -inf: check the decoder";

std::unique_ptr<Sampler> make(const Layout& layout, Seed seed, std::int64_t rollback) {
  if (rollback < 0 || rollback > 1 << 24)
    throw py::value_error("rollback " + std::to_string(rollback) + " lies outside 0..16777216");
  return std::make_unique<Sampler>(layout, seed.value, static_cast<std::size_t>(rollback));
}

const float* checked(const Sampler& sampler, const Logits& logits) {
  if (logits.ndim() != 1 || logits.shape(0) != sampler.layout().num_ids)
    throw py::value_error("logits have shape " + std::string(py::str(logits.attr("shape"))) + ": pass (" +
                          std::to_string(sampler.layout().num_ids) + ",), one an event id");
  return logits.data();
}

int sample(Sampler& sampler, const Logits& logits, std::optional<std::uint64_t> step_index) {
  const auto token = sampler.sample(checked(sampler, logits), step_index.value_or(sampler.length()));
  if (!token) throw py::value_error(kBadLogits);
  return *token;
}

py::array_t<double> distribution(Sampler& sampler, const Logits& logits) {
  py::array_t<double> probabilities(sampler.layout().num_ids);
  if (!sampler.distribution(checked(sampler, logits), probabilities.mutable_data())) throw py::value_error(kBadLogits);
  return probabilities;
}

py::array_t<bool> allowed(const Sampler& sampler) {
  py::array_t<bool> mask(sampler.layout().num_ids);
  sampler.allowed(mask.mutable_data());
  return mask;
}

void advance(Sampler& sampler, int token) {
  if (!sampler.advance(token))
    throw py::value_error("token " + std::to_string(token) + " lies outside 0.." +
                          std::to_string(sampler.layout().num_ids - 1));
}

std::unique_ptr<Sampler> fork(const Sampler& sampler, Seed seed, std::int64_t kept) {
  if (kept < 0 || kept > 1 << 24)
    throw py::value_error("rollback " + std::to_string(kept) + " lies outside 0..16777216");
  return std::make_unique<Sampler>(sampler, seed.value, static_cast<std::size_t>(kept));
}

void rollback(Sampler& sampler, std::int64_t n_tokens) {
  if (n_tokens < 0 || !sampler.rollback(static_cast<std::size_t>(n_tokens)))
    throw py::value_error("cannot roll back " + std::to_string(n_tokens) +
                          " tokens: " + std::to_string(sampler.reachable()) + " are remembered");
}

py::list sounding(const Sampler& sampler) {
  py::list pitches;
  for (int pitch = 0; pitch < kPitches; ++pitch)
    if (sampler.sounding().has(pitch)) pitches.append(pitch);
  return pitches;
}

}  // namespace

void bind_sampler(py::module_& module) {
  py::class_<Sampler>(module, "Sampler", "Draws event tokens under a grammar that keeps every stream playable.")
      .def(py::init(&make), py::arg("layout"), py::arg("seed"), py::arg("rollback") = 4096)
      .def("set_params", &Sampler::set_params, py::arg("params"), "Apply from the next sample() on.")
      .def("sample", &sample, py::arg("logits"), py::arg("step_index") = py::none(),
           "Draw the next token from (num_ids,) logits without advancing.")
      .def("distribution", &distribution, py::arg("logits"),
           "The probabilities that sample() draws from: (num_ids,) logits -> (num_ids,) float64.")
      .def("allowed", &allowed, "Tokens the grammar and the user's masks permit next: (num_ids,) bool.")
      .def("advance", &advance, py::arg("token"), "Append a token, sampled or fed; it need not be legal.")
      .def("fork", &fork, py::arg("seed"), py::arg("rollback"), "The same past, with random numbers of its own from here on.")
      .def("copy", &Sampler::copy, py::arg("other"), "Become what another one is, but keep the seed.")
      .def("set_seed", [](Sampler& sampler, Seed seed) { sampler.set_seed(seed.value); }, py::arg("seed"),
           "Draw the numbers of another seed from here on.")
      .def("rollback", &rollback, py::arg("n_tokens"), "Undo the last n_tokens.")
      .def("sounding", &sounding, "Pitches now sounding, ascending.")
      .def_property_readonly("reachable", &Sampler::reachable, "Tokens that rollback() can undo.")
      .def_property_readonly("length", &Sampler::length, "Tokens advanced so far, less those rolled back.");
}

}  // namespace sideman::bindings
