"""The faces of the layers: every name by which a layer is used from above is listed here, so that a change is seen.

Outsiders have `sideman`, `python -m engine` and these modules; everything else may change without a word.
"""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
ABOVE = {"native": ("engine", "bridge"), "osc_protocol": ("engine", "bridge"), "engine": ("bridge",)}
FACES: dict[str, tuple[str, ...]] = {
    "engine.asked_tracks": ("TRACKS_HELP", "asked_tracks"),
    "engine.atomic": ("atomic_write", "check_file", "check_folder", "make_folder", "write_whole"),
    "engine.beats.feel": ("FEEL_NAMES", "Feel", "FeelParams", "NoteMover"),
    "engine.beats.phase": ("UNKNOWN_IN_BAR", "beat_bins"),
    "engine.beats.tick_loop": ("BANDWIDTH_HZ", "TickLoop"),
    "engine.chords": (
        "Chart",
        "Chord",
        "ChordSpan",
        "Section",
        "parse_chart",
        "parse_chord",
    ),
    "engine.chords.charts.transpose": ("transpose_chart",),
    "engine.chords.charts.form": ("Form", "Place", "Return", "form_of"),
    "engine.chords.charts.home": ("home_beat", "home_chord", "last_chord_beat", "leads_back"),
    "engine.chords.files.chords_file": (
        "ChordsFile",
        "MAX_BEATS_PER_BAR",
        "even_beats",
        "parse_chords_file",
        "read_chords_file",
    ),
    "engine.chords.files.chords_writer": ("format_chords_file",),
    "engine.chords.files.own_markers": ("GENERATED", "RECORDED", "read_own_markers"),
    "engine.chords.scales": ("ALL_PITCH_CLASSES", "SCALES", "scale_mask"),
    "engine.chords.tracker": ("ChordChange", "ChordFollower", "ChordTracker"),
    "engine.data.practice": ("Composition", "compose", "compose_whole", "practice_piece", "practice_pieces"),
    "engine.data.prepare": ("MANIFEST", "Report", "Settings", "kept_beside", "prepare", "tokenise", "work_folder"),
    "engine.data.reading.corpus": (
        "Piece",
        "Source",
        "UNLISTED",
        "find_sources",
        "is_metrical",
        "one_line",
        "read_piece",
        "sidecars",
        "survey",
    ),
    "engine.data.shards.augmentation": (
        "Augmentation",
        "DEFAULT_AUGMENT",
        "jitter_velocity",
        "keys",
        "stretch_tokens",
        "transpose_chords",
        "transpose_tokens",
    ),
    "engine.data.shards.manifest": ("MANIFEST", "ManifestWriter", "Report", "read_side", "works_of"),
    "engine.data.shards.shards": (
        "COLUMNS",
        "DEFAULT_AUGMENT",
        "FORMAT",
        "INDEX_EVERY",
        "PieceArrays",
        "Pieces",
        "SPLITS",
        "Shard",
        "load_shard",
        "step_index",
        "steps_of",
        "token_steps",
    ),
    "engine.errors": (
        "CheckpointError",
        "ChordError",
        "ConfigError",
        "DataError",
        "MidiFileError",
        "SidemanError",
        "check_installed",
        "check_range",
    ),
    "engine.evaluation.blindtest.contestants": ("Contestant", "REAL", "enlist", "place_name"),
    "engine.evaluation.blindtest.judging.answers": ("Answer", "Answers", "FORMAT", "read_answers", "write_answers"),
    "engine.evaluation.blindtest.judging.machine": ("MachineRow", "NAME", "judge_pairs", "listen"),
    "engine.evaluation.blindtest.judging.scoring": (
        "ContestantScore",
        "CoupleScore",
        "ListenerScore",
        "Score",
        "Share",
        "score",
    ),
    "engine.evaluation.blindtest.judging.statistics": ("Strengths", "bradley_terry", "coin_p", "interval"),
    "engine.evaluation.blindtest.make": ("Made", "key_path", "make_test", "write_leads"),
    "engine.evaluation.blindtest.places": (
        "ChartPlace",
        "LEAD_S",
        "MusicPlace",
        "Place",
        "chart_places",
        "held_out",
        "music_places",
    ),
    "engine.evaluation.blindtest.sealed": ("Key", "read_key", "write_key"),
    "engine.evaluation.controls.asked": (
        "Asked",
        "Obtained",
        "PAIRS",
        "ask",
        "measured_table",
        "named_table",
        "questions",
        "unseen_charts",
    ),
    "engine.evaluation.controls.naming": (
        "Clip",
        "NAMED",
        "Namer",
        "practice_clip",
        "practice_names",
        "roughened",
        "train_namer",
    ),
    "engine.evaluation.judgement": ("Judgement", "PLAYED", "ROWS", "cut_clips", "judge"),
    "engine.evaluation.ngram": ("NgramModel",),
    "engine.evaluation.page": ("write_page",),
    "engine.inference.backends": (
        "BACKENDS",
        "DEVICES",
        "StreamDecoder",
        "compiled_advice",
        "make_decoder",
        "speed_advice",
    ),
    "engine.inference.reach": ("Hand", "LEFT_TOP", "NOTHING_CLEAR", "RIGHT_BOTTOM", "Reach"),
    "engine.inference.session": ("Session",),
    "engine.inference.stream_rules": ("MAX_NOTE_STEPS", "PHRASE_GRACE_S", "RESTRIKE_STEPS", "stream_rules"),
    "engine.judgement": ("ARC_BARS", "Judgement", "RECALLED", "arc", "auto_values", "judge", "notes_a_beat"),
    "engine.metre": ("COMMON", "Metre", "asked_metre", "is_compound", "parse_metre"),
    "engine.midi_io.write": (
        "LONGEST_QUARTER_US",
        "OWN_TRACK",
        "TICKS_PER_QUARTER",
        "as_track",
        "check_length",
        "write_midi",
    ),
    "engine.model.checkpoint": (
        "CHECKPOINT_FILES",
        "Checkpoint",
        "SHIPPED",
        "Weights",
        "check_new",
        "checkpoint_folder",
        "load_checkpoint",
        "nf4_matrices",
        "save_checkpoint",
    ),
    "engine.model.config": (
        "Config",
        "MAX_ALPHA",
        "MAX_RANK",
        "ModelConfig",
        "QloraConfig",
        "SourceConfig",
        "TrainingConfig",
    ),
    "engine.model.config_file": ("YAML_ERRORS", "load_config", "parse_config", "shipped_configs", "to_yaml"),
    "engine.model.controls": (
        "BASS_BELOW",
        "Control",
        "ControlRows",
        "MEASURED",
        "UNKNOWN",
        "asked_level",
        "check_askable",
    ),
    "engine.notes": ("Event", "NOTE_DTYPE", "NoteEvent", "Notes", "Performance", "TimedText", "make_notes"),
    "engine.output.console": ("escape_what_cannot_be_said",),
    "engine.output.render": ("find_soundfont", "find_synthesiser", "render_wav"),
    "engine.platform.system": ("this_system",),
    "engine.solo.both_hands": ("BothHands", "Hands", "has_both"),
    "engine.solo.command": ("add_arguments", "check_outputs", "run"),
    "engine.solo.recollection": (
        "LeadIn",
        "RECALLED_BARS",
        "begin_at",
        "lead_in",
        "leading_in",
        "recall",
        "recollection",
    ),
    "engine.styles.library": (
        "Shelved",
        "add_style",
        "find_style",
        "list_styles",
        "parse_styles",
        "remove_style",
        "shipped_styles",
        "style_mark",
        "style_weights",
        "user_styles",
    ),
    "engine.styles.merge": ("export_merged", "merged_weights"),
    "engine.styles.style_folder": ("STYLE_FILES", "check_fits", "load_style", "save_style"),
    "engine.training.evaluate": (
        "Score",
        "evaluate",
        "load_model",
        "ngram_scores",
        "sum_scores",
        "token_nats",
        "with_wrong_chords",
    ),
    "engine.training.finetune.finetune": ("Finetuned", "News", "Recipe", "finetune"),
    "engine.training.schedule": ("Lowest", "News", "rate_share"),
    "engine.training.train": ("STATE_FILE", "Trainer", "train"),
    "engine.user_folders": ("user_place",),
    "engine.vocabulary": (
        "BOS",
        "CHORD",
        "EOS",
        "LAYOUT",
        "NOTE_OFF",
        "NOTE_ON",
        "NO_CHORD",
        "NUM_CHORDS",
        "NUM_EVENT_IDS",
        "NUM_SHIFTS",
        "NUM_VELOCITIES",
        "PAD",
        "PEDAL_OFF",
        "PEDAL_ON",
        "PITCH_NAMES",
        "QUALITIES",
        "SEAM",
        "STEP_MS",
        "STEP_S",
        "TIME_SHIFT",
        "VELOCITY",
        "VOCAB_SIZE",
        "chord_id",
        "chord_parts",
        "middle_velocity",
        "name",
        "velocity_bin",
    ),
    "native": (
        "Decoder",
        "Layout",
        "MidiEvent",
        "MidiRing",
        "Sampler",
        "SamplerParams",
        "Scheduler",
        "Steering",
        "Stream",
        "StreamRules",
        "Theme",
        "VARIANT",
        "decode",
        "encode",
        "kernel",
        "kernels",
        "now_us",
        "philox4x32",
        "plugin_file",
        "read_bandwidth",
    ),
    "osc_protocol.errors": ("OscError", "OscPortError", "PacketError", "ParameterError"),
    "osc_protocol.generate.fl": ("render",),
    "osc_protocol.generate.layout_osc": ("FEEDBACK_PORT", "open_stage_control"),
    "osc_protocol.generate.layout_touchosc": ("FEEDBACK_PORT", "touchosc", "touchosc_xml"),
    "osc_protocol.oscquery.discovery": ("Announcement", "DiscoveryError", "advertise"),
    "osc_protocol.oscquery.frames": ("Frames", "Heard", "POLICY_VIOLATION", "UNSUPPORTED_DATA"),
    "osc_protocol.oscquery.server": ("OscQueryServer",),
    "osc_protocol.oscquery.site": ("Page", "Site", "Talker"),
    "osc_protocol.server.limits": ("MAX_SENDERS", "RateLimit", "SenderLimits"),
    "osc_protocol.server.server": ("OscServer",),
    "osc_protocol.table.host_rows": (
        "AUTO_ROOM",
        "BY_ID",
        "CHORDS",
        "ROWS",
        "SEED",
        "TEXTS",
        "parameter_id",
        "value_of",
    ),
    "osc_protocol.table.options": ("add_parameter_options", "parameters_from"),
    "osc_protocol.table.parameters": (
        "AUTO",
        "BY_ADDRESS",
        "BY_CC",
        "BY_NAME",
        "COMMANDS",
        "COMMAND_BY_ADDRESS",
        "CONTROL_NAMES",
        "Command",
        "DEFAULTS",
        "DEFAULT_BPM",
        "DEFAULT_OUT_PORT",
        "DEFAULT_PORT",
        "HIGHEST_BPM",
        "LOWEST_BPM",
        "MAX_TEXT",
        "NEXT",
        "PARAMETERS",
        "Parameter",
        "ParameterError",
        "Setting",
        "Value",
        "check",
        "check_arguments",
        "from_cc",
        "in_type",
        "legal_range",
        "nearest",
        "parse",
        "settings",
        "to_cc",
        "values_of",
    ),
    "osc_protocol.table.twins": (
        "BY_TWIN",
        "MIDI",
        "NORM",
        "check_twin",
        "from_norm",
        "from_position",
        "has_position",
        "to_norm",
        "to_position",
    ),
    "osc_protocol.wire.client": ("OscClient",),
    "osc_protocol.wire.codec": (
        "MAX_NESTING",
        "MAX_PACKET_BYTES",
        "Message",
        "TimedMessage",
        "address_of",
        "decode",
        "decode_timed",
        "encode",
    ),
    "osc_protocol.wire.replies": (
        "ASKED",
        "ERROR",
        "PONG",
        "REPLIES",
        "STATUS",
        "VALUE",
        "asked_packet",
        "feedback_packets",
        "refusal",
        "typed",
        "value_packet",
    ),
    "osc_protocol.wire.sysex": (
        "MAX_FRAME",
        "MAX_PACKET",
        "PUMP",
        "Reassembler",
        "TICK",
        "TO_ENGINE",
        "TO_FL",
        "is_frame",
        "pack",
        "pack7",
        "unpack7",
    ),
}


def file_of(module: str) -> Path | None:
    place = ROOT.joinpath(*module.split("."))
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def exported(module: str) -> tuple[str, ...]:
    """`__all__` of a module, read and not run: some of them need torch."""
    path = file_of(module)
    assert path is not None, f"{module} is gone"
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return tuple(sorted(ast.literal_eval(node.value)))
    raise AssertionError(f"{module} has no __all__")


def used(layer: str) -> dict[str, set[str]]:
    """Modules of a layer that files above it import, and the names that they take."""
    found: dict[str, set[str]] = {}
    for above in ABOVE[layer]:
        for path in sorted((ROOT / above).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    for alias in node.names:
                        if alias.name.split(".")[0] == layer:
                            found.setdefault(alias.name, set())
                elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == layer:
                    for alias in node.names:
                        whole = f"{node.module}.{alias.name}"
                        if file_of(whole) is None:
                            found.setdefault(node.module, set()).add(alias.name)
                        else:
                            found.setdefault(whole, set())
    return found


def test_every_face_exports_what_is_listed() -> None:
    assert {module: exported(module) for module in FACES} == FACES


def test_the_faces_are_all_that_is_used_from_above() -> None:
    uses = {module: names for layer in ABOVE for module, names in used(layer).items()}
    assert sorted(uses) == sorted(FACES)
    for module, names in uses.items():
        assert names <= set(FACES[module]), f"{module} is asked for {sorted(names - set(FACES[module]))}"


def test_the_command_is_where_pip_looks_for_it() -> None:
    assert 'sideman = "bridge.cli:main"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "main" in exported("bridge.cli")
    assert (ROOT / "engine" / "__main__.py").is_file()
