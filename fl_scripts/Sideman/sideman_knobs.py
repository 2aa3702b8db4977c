"""What the script of a knob box does: it forwards, and links a knob to FL's own last-tweaked parameter."""

import sideman_controls as controls
import sideman_fl

LINKED = {
    0: "now turns what you tweaked last in FL",
    1: "found nothing tweaked: move a control in FL first",
    2: "turns something in FL already",
}


class Knobs:
    """One per script."""

    def __init__(self):
        self._map = {}
        self._free = None  # (number, channel) of the last knob that turned nothing of ours

    def guard(self, function, *args):
        """Runs a callback. An exception that escapes would have FL disable the script, so it is printed instead."""
        try:
            function(*args)
        except Exception as error:
            print("Sideman Knobs:", type(error).__name__, error)

    def start(self):
        self._map, complaints = controls.read_map()
        for text in complaints:
            print("Sideman Knobs:", text)

    def control_change(self, event):
        what = self._map.get((controls.CC, event.data1))
        if what is None:
            self._free = (event.data1, event.status & 15)
        else:
            self._act(what, event, event.data2 >= controls.PRESSED)

    def note(self, event):
        what = self._map.get((controls.NOTE, event.data1))
        if what is not None:
            self._act(what, event, event.status & 0xF0 == 0x90 and event.data2 > 0)

    def _act(self, what, event, pressed):
        event.handled = True
        if what != controls.LINK:
            sideman_fl.forward(event.status | event.data1 << 8 | event.data2 << 16)
        elif pressed and self._free is None:
            sideman_fl.show_hint("Sideman: move a knob first, then link it")
        elif pressed:
            result = sideman_fl.link(*self._free)
            words = LINKED.get(result, "cannot be linked by this FL")
            sideman_fl.show_hint("Sideman: knob " + str(self._free[0]) + " " + words)
