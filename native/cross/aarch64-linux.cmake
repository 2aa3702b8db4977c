# Debian's g++-aarch64-linux-gnu: the library's tests for 64-bit ARM, as programs that an emulator runs anywhere.
#
#   cmake -B build/arm -DCMAKE_TOOLCHAIN_FILE=native/cross/aarch64-linux.cmake -DSIDEMAN_TESTS=ON
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
