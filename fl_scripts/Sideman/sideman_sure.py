"""What must arrive: told to the engine again until the engine has confirmed it, for a port may lose what it carries.

A knob is confirmed by its value, which the engine tells whoever has set it. A command has no value to tell, and what
the engine does says little: another surface may have stopped it since. So a command goes in one bundle with a ping that
bears a number, and the pong that brings this number back is its receipt. What is confirmed is never told again.

An engine from before the numbers answers with bare pongs. It is told a command once, as it always was, and once more
where the command was still open when the port came back.
"""

import sideman_wire as wire

CONFIRM_S = 0.25  # what is not confirmed by then is told again
HEARTBEAT = 1  # the number of pings that confirm nothing: it asks whether the engine brings numbers back


class _Told:
    """One thing told, and how often."""

    def __init__(self, key, address, packet, tries):
        self.key, self.address, self.packet = key, address, packet
        self.tries = tries  # None: as many as it takes
        self.make = self.value = self.number = None
        self.count = 0
        self.sent_s = None  # about; None while it waits on the link


class Sure:
    """Queues on the link. now_s: seconds on the link's clock."""

    def __init__(self, link, now_s):
        self.told = {}  # name -> what nobody has confirmed yet; only the newest of a name counts
        self._link = link
        self._number = HEARTBEAT + (int(now_s * 1000) & 0x3FFFFFFF)  # receipts of an earlier script fit nothing here
        self._numbers = False  # whether this engine brings numbers back

    def value(self, name, address, tag, value, tries):
        """Tells a parameter, so often at most."""
        told = _Told(name, address, wire.encode_message(address, tag, (value,)), tries)
        told.value = value
        self._tell(name, told)

    def command(self, name, key, address, tags="", values=(), tries=None, before=None):
        """Tells a command, tries times at most (None: until it is confirmed), waiting under the link's key.

        before(): a packet that is made as the command leaves, and acted on just before it; or None.
        """
        self._number += 1
        ping = wire.encode_message("/sideman/ping", "i", (self._number,))
        parts = [wire.encode_message(address, tags, values), ping]
        told = _Told(key, address, wire.encode_bundle(parts), tries)
        told.number = self._number
        if before is not None:
            told.make = lambda: wire.encode_bundle([part for part in [before(), *parts] if part is not None])
        self._tell(name, told)

    def value_came(self, name, value):
        """The engine tells a parameter's value."""
        told = self.told.get(name)
        if told is not None and told.value is not None and _same(value, told.value):
            del self.told[name]

    def pong_came(self, number):
        """number: what the pong brought back; None of an engine that brings none, or of another's ping."""
        if number is not None:
            self._numbers = True
            self._forget(lambda told: told.number == number)
        elif not self._numbers and self._link.connected:
            self._forget(lambda told: told.number is not None)

    def refused(self, address):
        """The engine refuses what was sent there, which is an answer too; the names that were open."""
        return self._forget(lambda told: told.address == address)

    def drop(self, name):
        """Tells it no more: it is no longer meant."""
        self.told.pop(name, None)

    def engine_is_new(self):
        """Another run answers, which may be of another version."""
        self._numbers = False

    def again(self):
        """Tells all that is open: the engine can be reached from now on."""
        for told in self.told.values():
            told.count = 0
            self._send(told)

    def resend(self, now_s):
        """Tells again what is open for too long."""
        if not self._link.connected:
            return
        for name, told in list(self.told.items()):
            if told.sent_s is None or self._link.waits(told.key):
                told.sent_s = now_s
            elif now_s - told.sent_s >= CONFIRM_S:
                self._try_again(name, told)

    def _try_again(self, name, told):
        """Where tries are few, none but the second is made before the engine was heard again: a cable that is away
        would swallow them all.
        """
        if told.tries is not None and told.count > 1 and not self._link.heard_since(told.sent_s):
            return
        if told.count == told.tries:
            self.drop(name)
        else:
            self._send(told)

    def _tell(self, name, told):
        self.told[name] = told
        self._send(told)

    def _send(self, told):
        told.count += 1
        told.sent_s = None
        self._link.put(told.key, told.packet, told.make)

    def _forget(self, is_meant):
        names = [name for name, told in self.told.items() if is_meant(told)]
        for name in names:
            del self.told[name]
        return names


def _same(value, other):
    if isinstance(value, str) or isinstance(other, str):
        return value == other
    return abs(value - other) < 1e-4  # OSC's floats have 32 bits
