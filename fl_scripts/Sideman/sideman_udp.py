"""The one try at a network: FL's scripts are denied sockets nearly everywhere, but where they are not, UDP helps out.

It is used only while nothing comes back over the MIDI port. Nothing here raises or waits.
"""

ENGINE = ("127.0.0.1", 9123)
OWN_PORT = 9125  # always the same, so that a script that is loaded again is the same subscriber
BATCH = 16  # packets taken in one callback


class Udp:
    """open() once, in OnInit."""

    def __init__(self):
        self._socket = None
        self.port = None  # that the engine's values come to

    def open(self):
        """Whether this FL allows it."""
        try:
            import socket

            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.setblocking(False)
            udp.bind(("127.0.0.1", OWN_PORT))
            self.port = udp.getsockname()[1]
            self._socket = udp
        except BaseException:  # FL raises SystemError, and who knows what else
            self._socket = None
        return self._socket is not None

    def send(self, packet):
        """Sends one OSC packet, if it can."""
        try:
            if self._socket is not None:
                self._socket.sendto(packet, ENGINE)
        except Exception:
            return

    def receive(self):
        """The packets that have come."""
        packets = []
        try:
            while self._socket is not None and len(packets) < BATCH:
                packets.append(self._socket.recvfrom(4096)[0])
        except Exception:  # nothing more there, or nobody at the other end
            return packets
        return packets

    def close(self):
        """Ends it."""
        try:
            if self._socket is not None:
                self._socket.close()
        except Exception:
            pass
        self._socket = None
