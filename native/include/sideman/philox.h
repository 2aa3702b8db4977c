#pragma once

#include <array>
#include <cstdint>

namespace sideman {

/// Philox4x32-10, the counter-based generator of Salmon et al. 2011 ("Parallel random numbers: as easy as 1, 2, 3").
/// The n-th draw is a function of (seed, n) alone, so rolling back needs no saved generator state.
/// Thread-safe: yes. Realtime-safe: yes.
inline std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                               std::array<std::uint32_t, 2> key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t high = std::uint64_t{0xD2511F53u} * counter[0];
    const std::uint64_t low = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<std::uint32_t>(low >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(low),
               static_cast<std::uint32_t>(high >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(high)};
    key[0] += 0x9E3779B9u;  // the golden ratio
    key[1] += 0xBB67AE85u;  // sqrt(3) - 1
  }
  return counter;
}

/// The index-th double in [0, 1) of a seed: the top 53 of the first 64 bits.
/// Thread-safe: yes. Realtime-safe: yes.
inline double philox_uniform(std::uint64_t seed, std::uint64_t index) noexcept {
  const auto words = philox4x32({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), 0u, 0u},
                                {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  const std::uint64_t bits = (std::uint64_t{words[1]} << 32 | words[0]) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

}  // namespace sideman
