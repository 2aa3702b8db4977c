"""FL's transport as the engine hears it: play and stop, the tempo, and at every bar where the song is.

Two surfaces may want different things, so FL tells only what is its own, and each of it once:

    play, stop, tempo   when FL's own has changed; repeated until the engine confirms it, and not once more after that.
                        Whoever stops, starts or sets a tempo elsewhere, in the page or over OSC, is left alone by an
                        FL in which nothing has changed.
    the port was away   only what is still open is told: the stop that it swallowed arrives when it is back, and a play
                        that was confirmed before is not told anew.
    a new engine        knows nothing yet: it is told FL's tempo, and play if FL plays. It is told stop only where a
                        stop of FL's is open, that is where play was the last word that arrived: a resting FL does not
                        stop an engine that it has not started.
    FL closes           stop, if FL plays, or has stopped and nobody has confirmed it.

Play, stop and panic of a pad are such words too: the newest counts, and takes the place of what is open.
"""

import sideman_fl
import sideman_wire as wire

TRANSPORT = "/sideman/transport/quarters/"  # FL counts quarters whatever the chart's beat is
PLAY, STOP, PANIC = "/sideman/play", "/sideman/stop", "/sideman/panic"
WORDS = (PLAY, STOP, PANIC)  # which do no more when they arrive twice
WORD = "play"  # the name and the key under which play and stop are told
PANIC_TRIES = 3  # later it would silence music that nobody wants silenced


class Song:
    """Queues on the link; nothing is told twice but what the engine has not confirmed."""

    def __init__(self, link, sure):
        self._link, self._sure = link, sure
        self._playing = None
        self._tempo_bpm = None

    def poll(self):
        """Looks for what has changed."""
        playing = sideman_fl.is_playing()
        if playing is not None and playing != self._playing:
            before, self._playing = self._playing, playing
            if playing or before:
                self._tell_word()
        tempo_bpm = sideman_fl.tempo_bpm()
        if tempo_bpm is not None and tempo_bpm != self._tempo_bpm:
            self._tempo_bpm = tempo_bpm
            self._tell_tempo()

    def bar(self):
        """A bar begins."""
        packet = self._position() if self._playing else None
        if packet is not None:
            self._link.put("position", packet, self._position)

    def press(self, key, address):
        """A pad presses one of WORDS; it waits under this key of the link."""
        if address == PANIC:  # which stops, too
            self._sure.drop(WORD)
            self._sure.command("panic", key, PANIC, tries=PANIC_TRIES)
        else:
            self._tell(key, address, None)

    def tell_anew(self):
        """The engine is new."""
        self._sure.drop("panic")  # nothing sounds there
        if self._playing and WORD not in self._sure.told:
            self._tell_word()
        if self._tempo_bpm is not None:
            self._tell_tempo()

    def end(self, now_s):
        """FL closes the port: what FL has started does not play on. Twice, since nobody can repeat it later."""
        if self._playing or WORD in self._sure.told:
            for _ in range(2):
                self._link.send_now(wire.encode_message(STOP, "", ()), now_s)

    def is_own(self, address):
        """Whether a refusal is of what is told here by itself, bar after bar: it is nobody's mistake."""
        return str(address).startswith(TRANSPORT)

    def _tell_word(self):
        self._link.drop(WORD)  # it goes behind a pad's word that waits
        if self._playing:
            self._tell(WORD, PLAY, self._position)
        else:
            self._tell(WORD, STOP, None)

    def _tell(self, key, address, before):
        if address == PLAY:
            self._sure.drop("panic")  # late, it would silence what now begins
        self._sure.command(WORD, key, address, before=before)

    def _tell_tempo(self):
        self._sure.command("tempo", "tempo", TRANSPORT + "tempo", "f", (self._tempo_bpm,))

    def _position(self):
        """The packet of where the song is; None where FL does not say."""
        beats = sideman_fl.position_beats()
        return None if beats is None else wire.encode_message(TRANSPORT + "position", "f", (beats,))
