"""What each knob and pad means: the parameter table's controllers, and the user's own table over them."""

import sideman_table as table

CC = "cc"
NOTE = "note"
LINK = "link"
PRESSED = 64  # a button that sends a controller is pressed from here up

BY_NAME = {row[0]: row for row in table.PARAMETERS}
COMMANDS = {row[0]: row for row in table.COMMANDS}
SETTABLE = ("mode", "style")  # rows of text that a button sets


def read_map():
    """(control -> what it does, complaints): what the user's table says, over the default numbers."""
    found = {(CC, row[7]): row[0] for row in table.PARAMETERS if row[7] is not None}
    found.update({(CC, row[3]): row[0] for row in table.COMMANDS})
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
    return row if row is not None and row[3] is not None else None


def button(what):
    """(words for the hint, address, tags, values) of what a button sends, or None."""
    command = COMMANDS.get(what)
    if command is not None:
        return command[1], command[2], "", ()
    name, _, value = what.partition(" ")
    if name in SETTABLE and value:
        row = BY_NAME[name]
        return row[1] + " " + value, row[6], "s", (value,)
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
