"""FL's transport as the engine hears it: play and stop, the tempo, and at every bar where the song is."""

import sideman_fl
import sideman_wire as wire

TRANSPORT = "/sideman/transport/quarters/"  # FL counts quarters whatever the chart's beat is


class Song:
    """Queues on the link; nothing is told twice."""

    def __init__(self, link):
        self._link = link
        link.fresh["position"] = self._position_now
        self._playing = None
        self._tempo_bpm = None

    def poll(self):
        """Looks for what has changed."""
        playing = sideman_fl.is_playing()
        if playing is not None and playing != self._playing:
            if playing:
                self._send_position()
                self._link.queue("play", "/sideman/play")
            elif self._playing:
                self._link.queue("play", "/sideman/stop")
            self._playing = playing
        tempo_bpm = sideman_fl.tempo_bpm()
        if tempo_bpm is not None and tempo_bpm != self._tempo_bpm:
            self._tempo_bpm = tempo_bpm
            self._link.queue("tempo", TRANSPORT + "tempo", "f", tempo_bpm)

    def bar(self):
        """A bar begins."""
        if self._playing:
            self._send_position()

    def tell_anew(self):
        """The engine is new: the next poll tells it all again."""
        self._tempo_bpm = None
        if self._playing:
            self._playing = None

    def is_own(self, address):
        """Whether a refusal is of what is told here by itself, bar after bar: it is nobody's mistake."""
        return str(address).startswith(TRANSPORT)

    def _send_position(self):
        beats = sideman_fl.position_beats()
        if beats is not None:
            self._link.queue("position", TRANSPORT + "position", "f", beats)

    def _position_now(self):
        """The packet of where the song is; None where FL does not say."""
        beats = sideman_fl.position_beats()
        return None if beats is None else wire.encode_message(TRANSPORT + "position", "f", (beats,))
