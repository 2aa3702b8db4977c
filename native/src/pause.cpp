#include "pause.h"

#ifdef _WIN32
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#else
#include <thread>
#endif

namespace sideman {

#ifdef _WIN32

namespace {

// A sleep ends with the system's tick, every 15.6 ms by default and every millisecond at best; this timer does not wait
// for it. Windows 10 has it since 1803; an older one gives the ordinary timer.
constexpr DWORD kHighResolution = 0x00000002;  // CREATE_WAITABLE_TIMER_HIGH_RESOLUTION

struct Timer {
  HANDLE handle = CreateWaitableTimerExW(nullptr, nullptr, kHighResolution, TIMER_ALL_ACCESS);
  bool fine = handle != nullptr;

  Timer() noexcept {
    if (!fine) handle = CreateWaitableTimerExW(nullptr, nullptr, 0, TIMER_ALL_ACCESS);
  }
  ~Timer() {
    if (handle != nullptr) CloseHandle(handle);
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
};

Timer& timer_of_this_thread() noexcept {
  thread_local Timer timer;
  return timer;
}

}  // namespace

void pause_for(Micros time) noexcept {
  LARGE_INTEGER due;
  due.QuadPart = -10 * static_cast<LONGLONG>(time.count());  // from now on, in units of 100 ns
  const Timer& timer = timer_of_this_thread();
  if (timer.handle == nullptr || !SetWaitableTimer(timer.handle, &due, 0, nullptr, nullptr, FALSE))
    Sleep(static_cast<DWORD>(time.count() / 1000));
  else
    WaitForSingleObject(timer.handle, INFINITE);
}

bool pauses_are_fine() noexcept { return timer_of_this_thread().fine; }

#else

void pause_for(Micros time) noexcept { std::this_thread::sleep_for(time); }

bool pauses_are_fine() noexcept { return true; }

#endif

}  // namespace sideman
