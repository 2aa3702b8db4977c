"""What each knob and pad means: the parameter table's controllers, and the user's own table over them."""

import sideman_table as table
import sideman_wire as wire

CC = "cc"
NOTE = "note"
LINK = "link"
PRESSED = 64  # a button that sends a controller is pressed from here up

BY_NAME = {row[0]: row for row in table.PARAMETERS}


def read_map():
    """(control -> what it does, complaints): what the user's table says, over the default numbers."""
    found = {(CC, row[7]): row[0] for row in table.PARAMETERS if row[7] is not None}
    found.update({(CC, row[3]): row[0] for row in table.COMMANDS if row[3] is not None})
    complaints = []
    try:
        import sideman_map

        own = dict(sideman_map.CONTROLS)
    except Exception as error:
        return found, ["sideman_map.py is left out: " + str(error)]
    for control, what in own.items():
        problem = _problem(control, what)
        if problem:
            complaints.append("sideman_map.py, " + repr(control) + ": " + problem)
        elif what is None:
            found.pop(control, None)
        else:
            found[control] = what
    return found, complaints


def knob(what):
    """The row that a knob turns, or None."""
    row = BY_NAME.get(what)
    return row if row is not None and (row[3] is not None or row[8]) else None


def turned(row, position):
    """The value that a knob's position means."""
    choices = row[8].split()
    if choices:
        return choices[wire.cc_to_choice(len(choices), position)]
    return wire.cc_to_value(row[2], row[3], row[4], position, row[9])


def tag(row, value):
    """The OSC type that the value goes by: a word in a row of numbers goes as one."""
    return "s" if isinstance(value, str) else row[2]


def button(what):
    """(words for the hint, address, tags, values) of what a button sends, or None."""
    for command in table.COMMANDS:
        if what == command[0] or what.startswith(command[0] + " "):
            return _command(command, what[len(command[0]) :].strip())
    name, _, text = what.partition(" ")
    text, row = text.strip(), BY_NAME.get(name)
    value = None if row is None else _value(row, text)
    if value is None:
        return None
    return row[1] + " " + text, row[6], tag(row, value), (value,)


def _command(command, text):
    """As button(): text is what the command is told, or empty."""
    _, label, address, _, bare, choices = command
    words = label + " " + text if text else label
    if choices:
        return (words, address, "s", (text,)) if text in choices.split() else None
    if not text:
        return words, address, "" if bare is None else "s" if bare == "" else "i", () if bare is None else (bare,)
    if bare == "":
        return words, address, "s", (text,)
    return (words, address, "i", (int(text),)) if bare is not None and text.isdigit() else None


def _value(row, text):
    """The value that a text means, or None; its range is the engine's to check."""
    if row[2] == "s" or (row[9] and text == wire.AUTO):
        return text or None
    try:
        return float(text) if row[2] == "f" else int(text)
    except ValueError:
        return None


def _problem(control, what):
    if not isinstance(control, tuple) or len(control) != 2 or control[0] not in (CC, NOTE):
        return 'a control is ("cc", number) or ("note", number)'
    if not isinstance(control[1], int) or not 0 <= control[1] <= 127:
        return "the number is 0 to 127"
    if what is None or what == LINK:
        return ""
    if not isinstance(what, str) or (knob(what) is None and button(what) is None):
        return "there is no " + repr(what)
    if control[0] == NOTE and button(what) is None:
        return "a pad turns nothing: give it a button's work"
    return ""
