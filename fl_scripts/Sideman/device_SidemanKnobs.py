# name=Sideman Knobs
"""For the input of a knob box: hands its control changes to the script that is called Sideman."""

import device
import sideman_table as table

MAPPED = [row[7] for row in table.PARAMETERS if row[7] is not None]


def OnControlChange(event, *args):
    try:
        if event.data1 not in MAPPED:
            return
        message = event.status | event.data1 << 8 | event.data2 << 16
        for index in range(device.dispatchReceiverCount()):
            device.dispatch(index, message)
        event.handled = True
    except Exception as error:
        print("Sideman Knobs:", error)
