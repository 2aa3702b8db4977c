#pragma once

#include <math.h>

#include "kernels.h"

// One vector at a time: peaks, sums, the exponential, the network's activation and norm.
// impl.h says who includes this, and why nothing in it may be shared between object files.

namespace sideman {
namespace {

template <class Simd>
struct Vectors {
  using Floats = typename Simd::Floats;

  static float max(const float* x, int n) noexcept {
    Floats biggest = Simd::load(x);
    for (int i = 16; i < n; i += 16) biggest = Simd::max(biggest, Simd::load(x + i));
    return Simd::reduce_max(biggest);
  }

  static float sum(const float* x, int n) noexcept {
    Floats all = Simd::load(x);
    for (int i = 16; i < n; i += 16) all = Simd::add(all, Simd::load(x + i));
    return Simd::reduce_add(all);
  }

  /// Cody and Waite's reduction, then Cephes' polynomial: within 2 units in the last place.
  static Floats exp(Floats x) noexcept {
    const Floats n = Simd::round(Simd::mul(x, Simd::set(1.44269504f)));
    Floats r = Simd::fma(n, Simd::set(-0.693359375f), x);
    r = Simd::fma(n, Simd::set(2.12194440e-4f), r);
    Floats p = Simd::set(1.9875691500e-4f);
    for (const float coefficient : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
      p = Simd::fma(p, r, Simd::set(coefficient));
    p = Simd::fma(p, Simd::mul(r, r), Simd::add(r, Simd::set(1.0f)));
    return Simd::times_power_of_two(p, n);
  }

  static float exp_sum(float* x, int n, float shift) noexcept {
    const Floats by = Simd::set(shift), lowest = Simd::set(-87.0f);
    Floats sum = Simd::zero();
    for (int i = 0; i < n; i += 16) {
      const Floats at = Simd::sub(Simd::load(x + i), by);
      const Floats e = Simd::zero_below(exp(Simd::max(at, lowest)), at, lowest);
      sum = Simd::add(sum, e);
      Simd::store(e, x + i);
    }
    return Simd::reduce_add(sum);
  }

  static void add(const float* x, int n, float* y) noexcept {
    for (int i = 0; i < n; i += 16) Simd::store(Simd::add(Simd::load(y + i), Simd::load(x + i)), y + i);
  }

  static void multiply(const float* x, int n, float* y) noexcept {
    for (int i = 0; i < n; i += 16) Simd::store(Simd::mul(Simd::load(y + i), Simd::load(x + i)), y + i);
  }

  static void squared_relu(float* x, int n) noexcept {
    for (int i = 0; i < n; i += 16) {
      const Floats positive = Simd::max(Simd::load(x + i), Simd::zero());
      Simd::store(Simd::mul(positive, positive), x + i);
    }
  }

  static void layer_norm(const float* x, const float* weight, const float* bias, int n, float* y) noexcept {
    const float share = 1.0f / static_cast<float>(n);
    Floats sum = Simd::zero(), squares = Simd::zero();
    for (int i = 0; i < n; i += 16) sum = Simd::add(sum, Simd::load(x + i));
    const Floats mean = Simd::set(Simd::reduce_add(sum) * share);
    for (int i = 0; i < n; i += 16) {
      const Floats centred = Simd::sub(Simd::load(x + i), mean);
      squares = Simd::fma(centred, centred, squares);
    }
    const Floats factor = Simd::set(1.0f / sqrtf(Simd::reduce_add(squares) * share + 1e-5f));  // torch's epsilon
    for (int i = 0; i < n; i += 16) {
      const Floats normed = Simd::mul(Simd::sub(Simd::load(x + i), mean), factor);
      Simd::store(Simd::fma(normed, Simd::load(weight + i), Simd::load(bias + i)), y + i);
    }
  }
};

}  // namespace
}  // namespace sideman
