#pragma once

#include "attention.h"
#include "products.h"
#include "vectors.h"

// The kernels, written once over 16 lanes; Simd (Avx2, Avx512, Neon, Portable) says what 16 lanes are. Every includer
// does so inside an unnamed namespace with its own Simd and its own compiler flags, so nothing here may be shared between
// object files: no standard library but C functions.

namespace sideman {
namespace {

template <class Simd>
struct Impl {
  static constexpr Kernels table(const char* name) {
    using P = Products<Simd>;
    using A = Attention<Simd>;
    using V = Vectors<Simd>;
    return {name,
            {P::template quantise_inputs<FineLevels>, P::template nf4<FineLevels>},
            {P::template quantise_inputs<ByteLevels>, P::template nf4<ByteLevels>},
            P::nf4_exact, P::dense, P::dots, P::add_rows, P::quantise,
            A::template scores<std::int8_t>, A::template scores<std::int16_t>, A::scores_f32,
            A::template mix<std::int8_t>, A::template mix<std::int16_t>, A::mix_f32,
            V::max, V::sum, V::exp_sum, V::add, V::multiply, V::squared_relu, V::layer_norm};
  }
};

}  // namespace
}  // namespace sideman
