"""Notices the death of the JACK server.

rtmidi does not: its port stays "open", sends vanish, and after some thousand of them the process hangs with the GIL
held. libjack tells its clients; PyPI's JACK-Client passes that on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.errors import PortError

__all__ = ["JackWatch"]


class JackWatch:
    """A JACK client without ports that only waits for the server's death."""

    def __init__(self, on_death: Callable[[str], None]) -> None:
        """on_death(reason): called once, on a thread of libjack, within milliseconds.

        ImportError without JACK-Client; PortError where the server is gone already.
        """
        import jack

        try:
            self._client: Any = jack.Client("Sideman watch", no_start_server=True)
        except jack.JackOpenError as error:
            raise PortError(f"JACK cannot be reached ({error}): start it and try again") from error
        self._client.set_shutdown_callback(lambda status, reason: on_death(str(reason)))
        self._client.activate()

    def close(self) -> None:
        """Ends the watch. Not after the server's death: libjack waits for it in vain."""
        self._client.deactivate()
        self._client.close()
