"""Asks the system to run the calling thread ahead of ordinary ones.

Linux: SCHED_FIFO, which needs the right to it (group `audio` or `realtime` on most studio systems); Windows: the
multimedia class scheduler; macOS: the time-constraint policy. Where it is refused everything works, less evenly.
"""

from __future__ import annotations

import ctypes
import os
import platform
from typing import Final, Literal

__all__ = ["Priority", "ask_for"]

Priority = Literal["deadline", "session"]
"""deadline: sleeps but for a few microseconds a note. session: computes for milliseconds, so it must leave room."""

_FIFO: Final = {"deadline": 20, "session": 5}  # below the 70 and more of the kernel's own audio threads
_MAC_US: Final = {"deadline": (1_000, 100, 500), "session": (10_000, 3_000, 8_000)}  # period, computation, constraint
_MAC_TIME_CONSTRAINT: Final = 2  # THREAD_TIME_CONSTRAINT_POLICY


def ask_for(priority: Priority) -> bool:
    """Whether the calling thread has real-time priority from now on. Never raises."""
    try:
        system = platform.system()
        if system == "Linux":
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_FIFO[priority]))  # 0: this thread
            return True
        if system == "Windows":
            return _windows()
        if system == "Darwin":
            return _mac(*_MAC_US[priority])
    except (OSError, AttributeError):  # refused, or a system without it
        return False
    return False


def _windows() -> bool:
    task = ctypes.c_ulong(0)
    handle = ctypes.WinDLL("avrt").AvSetMmThreadCharacteristicsW("Pro Audio", ctypes.byref(task))  # type: ignore[attr-defined,unused-ignore]
    return bool(handle)


def _mac(period_us: int, computation_us: int, constraint_us: int) -> bool:
    class Policy(ctypes.Structure):
        _fields_ = (
            ("period", ctypes.c_uint32),
            ("computation", ctypes.c_uint32),
            ("constraint", ctypes.c_uint32),
            ("preemptible", ctypes.c_uint32),
        )

    class Timebase(ctypes.Structure):
        _fields_ = (("numer", ctypes.c_uint32), ("denom", ctypes.c_uint32))

    system = ctypes.CDLL(None)
    base = Timebase()
    system.mach_timebase_info(ctypes.byref(base))
    ticks = [time_us * 1000 * base.denom // base.numer for time_us in (period_us, computation_us, constraint_us)]
    policy = Policy(*ticks, 1)
    system.pthread_mach_thread_np.restype = ctypes.c_uint32
    system.pthread_self.restype = ctypes.c_void_p
    thread = system.pthread_mach_thread_np(ctypes.c_void_p(system.pthread_self()))
    count = ctypes.sizeof(policy) // 4
    return bool(system.thread_policy_set(thread, _MAC_TIME_CONSTRAINT, ctypes.byref(policy), count) == 0)
