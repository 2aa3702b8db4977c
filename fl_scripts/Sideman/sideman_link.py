"""The link to the engine: OSC packets in SysEx frames, a heartbeat, and whether anybody answers.

Sending is paced, because a flood of SysEx has crashed FL: one frame an idle tick. A frame that FL refuses, as some
builds do now and then ("Device is not assigned"), stays first in line and goes when FL takes it. Of several packets
that wait for one key only the newest is kept, so that a fast knob loses nothing but its way there. What ages while it
waits, as the song's position does, goes before all else, and is made when its turn comes. Where FL never calls
OnIdle, the engine is asked for ticks that do its work; until they come, whatever waits goes out with the event that
brought it. Where SysEx brings no answer but UDP does, UDP is the road.
"""

import sideman_fl
import sideman_table as table
import sideman_udp
import sideman_wire as wire
from sideman_sure import HEARTBEAT

HEARTBEAT_S = 0.5
SILENCE_S = 2.0  # without a word for so long, the engine counts as absent
IDLE_DEAD_S = 0.3  # OnIdle comes every 20 to 100 ms where it comes at all
FRAME_GAP_S = 0.02
REFUSED_S = 0.5  # the rest of a packet that waits longer goes as a new packet: the engine waits a second for it
BY_SYSEX = ("ping", "pump")  # what is always asked that way, and after all else
AGES = "position"  # goes before all else
BURST_FRAMES = 4  # at most so many in one event when OnIdle is dead


class Link:
    """One connection. now_s: seconds on any steady clock."""

    def __init__(self, now_s):
        self.connected = False
        self.refused = 0  # frames that FL did not take
        self.reassembler = wire.Reassembler(wire.TO_FL)
        self.udp = sideman_udp.Udp()
        self._waiting = {}  # key -> (packet, what makes it anew when its turn comes, or None); dicts keep their order
        self._frames = []  # of the packet being sent
        self._packet = None  # the same: its key, what waited there, and when a frame was taken last; None: none was
        self._sequence = int(now_s * 16) & 127  # a reloaded script does not begin where the last one did
        self._heard_s = None  # an answer to a ping, over SysEx
        self._heard_udp_s = None
        self._by_udp = False  # UDP is the road, and the engine knows where to answer
        self._pinged_s = None
        self._sent_s = None
        self._idle_s = None  # OnIdle, or a tick in its place
        self._idled_s = None  # OnIdle alone
        self._quiet_until_s = None

    def queue(self, key, address, tags="", *values):
        """Lets one message wait for its turn; it replaces what waits under the same key."""
        self.put(key, wire.encode_message(address, tags, values))

    def put(self, key, packet, make=None):
        """As queue. make(): the packet anew, when its turn comes; None: the one given here will do."""
        self._waiting[key] = packet, make

    def drop(self, key):
        """Sends no more what waits under the key."""
        self._waiting.pop(key, None)

    def waits(self, key):
        """Whether the key's packet has not gone out as a whole yet."""
        return key in self._waiting or (bool(self._frames) and self._packet[0] == key)

    def send_now(self, packet, now_s):
        """Sends a packet out of turn, for no turn will come: FL closes the port."""
        if self._quiet_until_s is not None and now_s < self._quiet_until_s:
            return
        if self._by_udp:
            self.udp.send(packet)
            return
        self._sequence = (self._sequence + 1) & 127
        for frame in wire.pack(packet, wire.TO_ENGINE, self._sequence):
            for _ in range(BURST_FRAMES):
                if sideman_fl.send_sysex(frame):
                    break

    def hold(self, until_s):
        """Sends nothing until then (None: send again)."""
        self._quiet_until_s = until_s

    def idled(self, now_s):
        """FL has called OnIdle."""
        self._idled_s = now_s

    def needs_ticks(self, now_s):
        """Whether OnIdle has not come for so long that the engine's ticks must stand in for it."""
        return self._idled_s is None or now_s - self._idled_s >= IDLE_DEAD_S

    def receive(self, message, now_s):
        """One SysEx message -> the (address, values) that it completes, or None."""
        packet = self.reassembler.feed(message, now_s)
        decoded = None if packet is None else self._decode(packet)
        if decoded is not None and decoded[0] == table.PONG:  # values come even where nothing of ours gets out
            self._heard_s = now_s
        return decoded

    def receive_udp(self, now_s):
        """The (address, values) that came over UDP; none while SysEx brings the same."""
        decoded = [item for item in map(self._decode, self.udp.receive()) if item is not None]
        if decoded:
            self._heard_udp_s = now_s
        return [] if self._lives(self._heard_s, now_s) else decoded

    def heartbeat(self, now_s):
        """Pings when it is time; returns True when the engine came, False when it went, else None."""
        by_sysex = self._lives(self._heard_s, now_s)
        if self._pinged_s is None or now_s - self._pinged_s >= HEARTBEAT_S:
            self._pinged_s = now_s
            self.queue("ping", "/sideman/ping", "i", HEARTBEAT)
            if self.needs_ticks(now_s):
                self.queue("pump", wire.PUMP, "i", 1)
            if self.udp.port is not None and not by_sysex:
                self.udp.send(wire.encode_message("/sideman/ping", "i", (HEARTBEAT,)))
        connected = by_sysex or self._lives(self._heard_udp_s, now_s)
        by_udp = connected and not by_sysex
        if by_udp and not self._by_udp:
            self.udp.send(wire.encode_message("/sideman/subscribe", "i", (self.udp.port,)))
        self._by_udp = by_udp
        if connected == self.connected:
            return None
        self.connected = connected
        return connected

    def heard_since(self, since_s):
        """Whether the engine has been heard after that."""
        return any(heard_s is not None and heard_s > since_s for heard_s in (self._heard_s, self._heard_udp_s))

    def engine_is_new(self):
        """Another run of it answers, which knows nothing of us."""
        self._by_udp = False

    def pump(self, now_s, idle=False):
        """Sends what the pace allows now. idle: called from OnIdle."""
        if idle:
            self._idle_s = now_s
        if self._quiet_until_s is not None:
            if now_s < self._quiet_until_s:
                return
            self._quiet_until_s = None
        if self._by_udp:
            self._pump_udp()
        idle_lives = self._idle_s is not None and now_s - self._idle_s < IDLE_DEAD_S
        if idle_lives and not idle and self._sent_s is not None and now_s - self._sent_s < FRAME_GAP_S:
            return
        for _ in range(1 if idle_lives else BURST_FRAMES):
            if not self._send_one(now_s):
                return

    def _pump_udp(self):
        """All that waits goes at once but what tells whether SysEx works after all."""
        for key in [key for key in self._waiting if key not in BY_SYSEX]:
            self.udp.send(_made(self._waiting.pop(key)))

    def _send_one(self, now_s):
        if self._frames and (self._packet[2] is None or now_s - self._packet[2] > REFUSED_S):
            self._put_back()
        if not self._frames:
            if not self._waiting:
                return False
            key = next((name for name in self._waiting if name not in BY_SYSEX), next(iter(self._waiting)))
            key = AGES if AGES in self._waiting else key
            self._sequence = (self._sequence + 1) & 127
            waited = self._waiting.pop(key)
            self._frames, self._packet = wire.pack(_made(waited), wire.TO_ENGINE, self._sequence), (key, waited, None)
        self._sent_s = now_s
        key, waited, taken_s = self._packet
        if sideman_fl.send_sysex(self._frames[0]):
            del self._frames[0]
            self._packet = (key, waited, now_s)
            return True
        self.refused += 1
        if taken_s is None:
            self._put_back()
        return False

    def _put_back(self):
        key, waited, _ = self._packet
        self._frames = []
        if key not in self._waiting:  # else a newer value waits, and this one is of no use
            self._waiting = {key: waited, **self._waiting}

    def _decode(self, packet):
        try:
            return wire.decode_message(packet)
        except ValueError:
            self.reassembler.bad += 1
            return None

    def _lives(self, heard_s, now_s):
        return heard_s is not None and now_s - heard_s < SILENCE_S


def _made(waited):
    packet, make = waited
    return (None if make is None else make()) or packet
