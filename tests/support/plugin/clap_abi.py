"""The structures of the CLAP interface as ctypes has them: written from the specification, not from our own header."""

from __future__ import annotations

from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_bool,
    c_char,
    c_char_p,
    c_double,
    c_float,
    c_int16,
    c_int32,
    c_int64,
    c_uint8,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
)  # fmt: skip

BEAT = 1 << 31  # of a quarter
NOTE_ON, NOTE_OFF, NOTE_CHOKE = 0, 1, 2
PARAM_VALUE, PARAM_MOD, GESTURE_BEGIN, GESTURE_END, TRANSPORT, MIDI = 5, 6, 7, 8, 9, 10
HAS_TEMPO, HAS_BEATS, HAS_METRE, IS_PLAYING, IS_LOOPING = 1, 2, 8, 16, 64


class Version(Structure):
    _fields_ = (("major", c_uint32), ("minor", c_uint32), ("revision", c_uint32))


class Header(Structure):
    _fields_ = (("size", c_uint32), ("time", c_uint32), ("space_id", c_uint16), ("type", c_uint16), ("flags", c_uint32))


class Note(Structure):
    _fields_ = (
        ("header", Header), ("note_id", c_int32), ("port_index", c_int16), ("channel", c_int16), ("key", c_int16),
        ("velocity", c_double),
    )  # fmt: skip


class Param(Structure):
    _fields_ = (
        ("header", Header), ("param_id", c_uint32), ("cookie", c_void_p), ("note_id", c_int32),
        ("port_index", c_int16), ("channel", c_int16), ("key", c_int16), ("value", c_double),
    )  # fmt: skip


class Gesture(Structure):
    _fields_ = (("header", Header), ("param_id", c_uint32))


class Transport(Structure):
    _fields_ = (
        ("header", Header), ("flags", c_uint32), ("song_pos_beats", c_int64), ("song_pos_seconds", c_int64),
        ("tempo", c_double), ("tempo_inc", c_double), ("loop_start_beats", c_int64), ("loop_end_beats", c_int64),
        ("loop_start_seconds", c_int64), ("loop_end_seconds", c_int64), ("bar_start", c_int64),
        ("bar_number", c_int32), ("tsig_num", c_uint16), ("tsig_denom", c_uint16),
    )  # fmt: skip


class Midi(Structure):
    _fields_ = (("header", Header), ("port_index", c_uint16), ("data", c_uint8 * 3))


class InputEvents(Structure):
    pass


InputEvents._fields_ = (
    ("ctx", c_void_p),
    ("size", CFUNCTYPE(c_uint32, POINTER(InputEvents))),
    ("get", CFUNCTYPE(c_void_p, POINTER(InputEvents), c_uint32)),
)


class OutputEvents(Structure):
    pass


OutputEvents._fields_ = (("ctx", c_void_p), ("try_push", CFUNCTYPE(c_bool, POINTER(OutputEvents), POINTER(Header))))


class AudioBuffer(Structure):
    _fields_ = (
        ("data32", POINTER(POINTER(c_float))), ("data64", POINTER(POINTER(c_double))), ("channel_count", c_uint32),
        ("latency", c_uint32), ("constant_mask", c_uint64),
    )  # fmt: skip


class Process(Structure):
    _fields_ = (
        ("steady_time", c_int64), ("frames_count", c_uint32), ("transport", POINTER(Transport)),
        ("audio_inputs", POINTER(AudioBuffer)), ("audio_outputs", POINTER(AudioBuffer)),
        ("audio_inputs_count", c_uint32), ("audio_outputs_count", c_uint32), ("in_events", POINTER(InputEvents)),
        ("out_events", POINTER(OutputEvents)),
    )  # fmt: skip


class Host(Structure):
    pass


Host._fields_ = (
    ("clap_version", Version), ("host_data", c_void_p), ("name", c_char_p), ("vendor", c_char_p), ("url", c_char_p),
    ("version", c_char_p), ("get_extension", CFUNCTYPE(c_void_p, POINTER(Host), c_char_p)),
    ("request_restart", CFUNCTYPE(None, POINTER(Host))), ("request_process", CFUNCTYPE(None, POINTER(Host))),
    ("request_callback", CFUNCTYPE(None, POINTER(Host))),
)  # fmt: skip


class Descriptor(Structure):
    _fields_ = (
        ("clap_version", Version), ("id", c_char_p), ("name", c_char_p), ("vendor", c_char_p), ("url", c_char_p),
        ("manual_url", c_char_p), ("support_url", c_char_p), ("version", c_char_p), ("description", c_char_p),
        ("features", POINTER(c_char_p)),
    )  # fmt: skip


class Plugin(Structure):
    pass


Plugin._fields_ = (
    ("desc", POINTER(Descriptor)), ("plugin_data", c_void_p), ("init", CFUNCTYPE(c_bool, POINTER(Plugin))),
    ("destroy", CFUNCTYPE(None, POINTER(Plugin))),
    ("activate", CFUNCTYPE(c_bool, POINTER(Plugin), c_double, c_uint32, c_uint32)),
    ("deactivate", CFUNCTYPE(None, POINTER(Plugin))), ("start_processing", CFUNCTYPE(c_bool, POINTER(Plugin))),
    ("stop_processing", CFUNCTYPE(None, POINTER(Plugin))), ("reset", CFUNCTYPE(None, POINTER(Plugin))),
    ("process", CFUNCTYPE(c_int32, POINTER(Plugin), POINTER(Process))),
    ("get_extension", CFUNCTYPE(c_void_p, POINTER(Plugin), c_char_p)),
    ("on_main_thread", CFUNCTYPE(None, POINTER(Plugin))),
)  # fmt: skip


class Factory(Structure):
    pass


Factory._fields_ = (
    ("get_plugin_count", CFUNCTYPE(c_uint32, POINTER(Factory))),
    ("get_plugin_descriptor", CFUNCTYPE(POINTER(Descriptor), POINTER(Factory), c_uint32)),
    ("create_plugin", CFUNCTYPE(POINTER(Plugin), POINTER(Factory), POINTER(Host), c_char_p)),
)


class Entry(Structure):
    _fields_ = (
        ("clap_version", Version), ("init", CFUNCTYPE(c_bool, c_char_p)), ("deinit", CFUNCTYPE(None)),
        ("get_factory", CFUNCTYPE(c_void_p, c_char_p)),
    )  # fmt: skip


class NotePortInfo(Structure):
    _fields_ = (("id", c_uint32), ("supported", c_uint32), ("preferred", c_uint32), ("name", c_char * 256))


class NotePorts(Structure):
    _fields_ = (
        ("count", CFUNCTYPE(c_uint32, POINTER(Plugin), c_bool)),
        ("get", CFUNCTYPE(c_bool, POINTER(Plugin), c_uint32, c_bool, POINTER(NotePortInfo))),
    )


class AudioPortInfo(Structure):
    _fields_ = (
        ("id", c_uint32), ("name", c_char * 256), ("flags", c_uint32), ("channel_count", c_uint32),
        ("port_type", c_char_p), ("in_place_pair", c_uint32),
    )  # fmt: skip


class AudioPorts(Structure):
    _fields_ = (
        ("count", CFUNCTYPE(c_uint32, POINTER(Plugin), c_bool)),
        ("get", CFUNCTYPE(c_bool, POINTER(Plugin), c_uint32, c_bool, POINTER(AudioPortInfo))),
    )


class ParamInfo(Structure):
    _fields_ = (
        ("id", c_uint32), ("flags", c_uint32), ("cookie", c_void_p), ("name", c_char * 256), ("module", c_char * 1024),
        ("min_value", c_double), ("max_value", c_double), ("default_value", c_double),
    )  # fmt: skip


class Params(Structure):
    _fields_ = (
        ("count", CFUNCTYPE(c_uint32, POINTER(Plugin))),
        ("get_info", CFUNCTYPE(c_bool, POINTER(Plugin), c_uint32, POINTER(ParamInfo))),
        ("get_value", CFUNCTYPE(c_bool, POINTER(Plugin), c_uint32, POINTER(c_double))),
        ("value_to_text", CFUNCTYPE(c_bool, POINTER(Plugin), c_uint32, c_double, c_char_p, c_uint32)),
        ("text_to_value", CFUNCTYPE(c_bool, POINTER(Plugin), c_uint32, c_char_p, POINTER(c_double))),
        ("flush", CFUNCTYPE(None, POINTER(Plugin), POINTER(InputEvents), POINTER(OutputEvents))),
    )


class InStream(Structure):
    pass


InStream._fields_ = (("ctx", c_void_p), ("read", CFUNCTYPE(c_int64, POINTER(InStream), c_void_p, c_uint64)))


class OutStream(Structure):
    pass


OutStream._fields_ = (("ctx", c_void_p), ("write", CFUNCTYPE(c_int64, POINTER(OutStream), c_void_p, c_uint64)))


class State(Structure):
    _fields_ = (
        ("save", CFUNCTYPE(c_bool, POINTER(Plugin), POINTER(OutStream))),
        ("load", CFUNCTYPE(c_bool, POINTER(Plugin), POINTER(InStream))),
    )


class Number(Structure):
    """Latency and tail."""

    _fields_ = (("get", CFUNCTYPE(c_uint32, POINTER(Plugin))),)


class Render(Structure):
    _fields_ = (
        ("has_hard_realtime_requirement", CFUNCTYPE(c_bool, POINTER(Plugin))),
        ("set", CFUNCTYPE(c_bool, POINTER(Plugin), c_int32)),
    )
