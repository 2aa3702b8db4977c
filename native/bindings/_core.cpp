// native._core, table of contents. native/_core.pyi states the signatures, native/twins/ the meaning.
#include "bindings.h"

PYBIND11_MODULE(_core, module) {
  using namespace sideman::bindings;

  module.doc() = "The compiled half of native: import native, which picks between this and its Python twins.";

  bind_tokenizer(module);  // encode, decode
  bind_sampler(module);    // Sampler
  bind_decoder(module);    // Decoder, kernel, kernels
  bind_stream(module);     // Stream
  bind_scheduler(module);  // Scheduler
  bind_midi_ring(module);  // MidiRing
  bind_philox(module);     // philox4x32
  bind_clock(module);      // now_us
}
