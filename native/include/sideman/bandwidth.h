#pragma once

#include <cstddef>

namespace sideman {

/// Bytes a second that one core reads when it walks over `bytes` again and again for about `seconds`, in `streams`
/// far-apart streams at once: the limit of a decoder whose weights are that large. The fastest of the passes, in
/// processor time of the process: run no other thread beside it.
/// Thread-safe: yes. Realtime-safe: no. std::bad_alloc.
double read_bandwidth(std::size_t bytes, int streams, double seconds);

}  // namespace sideman
