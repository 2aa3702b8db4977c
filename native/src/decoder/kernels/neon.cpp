// NEON is part of 64-bit ARM, so no flags and no check at run time.
#include "neon.h"

namespace sideman {

const Kernels kNeonKernels = Impl<Neon>::table("neon");

}  // namespace sideman
