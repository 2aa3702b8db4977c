# name=Sideman Knobs
"""For the input of a knob box: hands its control changes to the script that is called Sideman."""

import device


def OnControlChange(event, *args):
    try:
        message = event.status | event.data1 << 8 | event.data2 << 16
        for index in range(device.dispatchReceiverCount()):
            device.dispatch(index, message)
    except Exception as error:
        print("Sideman Knobs:", error)
