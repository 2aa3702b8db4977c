"""What a project keeps comes back whole, and what is none of ours changes nothing; against an engine by hand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.plugin import wire
from tests.bridge.plugin.conftest import is_ready, with_chart
from tests.support.plugin.fake_engine import FakeEngine, wait_for
from tests.support.plugin.host import ClapHost, Library

Make = Callable[..., ClapHost]
TEXTS = {
    "one line": "Dm7 | G7 | Cmaj7 | %",
    "lines": "Dm7 | G7\nCmaj7 | F\n",
    "an empty line first": "\n\nDm7 | G7",
    "spaces first": "  Dm7 | G7",
    "a backslash": r"C:\new | \\n | \ ",
    "lines and backslashes": "C:\\new\\\nG7\\n\n\\",
    "line ends of Windows": "Dm7 | G7\r\nCmaj7 | F",
    "letters of all lengths": "é | 한 | 𝄆 | C\nF",
}
REFUSED = {
    "no UTF-8": b"\xff",
    "a letter cut off": "C | 한".encode()[:-1],
    "a letter longer than it need be": b"\xc0\xaf",
    "half a pair of UTF-16": b"\xed\xa0\x80",
    "beyond Unicode": b"\xf4\x90\x80\x80",
    "longer than a frame": b"C | " * 15_001,
}
WITHOUT_THREADS = """
import resource, sys
from pathlib import Path
from tests.support.plugin.host import ClapHost, Library
host = ClapHost(Library(Path(sys.argv[1])))
pages = int(Path("/proc/self/statm").read_text().split()[0])
most = pages * resource.getpagesize() + (1 << 20)  # no room for a thread's stack
before = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
refused = not host.call("activate", 48000.0, 0, 512)
resource.setrlimit(resource.RLIMIT_AS, before)
assert refused, "there was room for a thread"
assert host.call("activate", 48000.0, 0, 512), "it is not tried again"
host.deactivate()
host.destroy()
"""


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_of_any_shape_comes_back_and_the_engine_hears_it(
    engine: FakeEngine, library: Library, make_host: Make, text: str
) -> None:
    first = ClapHost(library)
    first.activate()
    try:
        is_ready(first)
        engine.send(wire.text("chords", text))
        wait_for(lambda: wire.Text("chords", text) in engine.heard, "the text is not told back")
        project = first.save()
    finally:
        first.deactivate()
        first.destroy()  # the engine serves one at a time
    engine.heard.clear()
    second = make_host()
    assert second.load(project)
    assert second.save() == project
    wait_for(lambda: wire.Text("chords", text) in engine.heard, f"the engine hears {engine.last(wire.Text)}")


def test_a_project_of_before_is_read_as_it_was(make_host: Make) -> None:
    """A backslash stood for itself in it."""
    host = make_host()
    project = host.save() + b"text chords Dm7 | \\n G7\\\n"
    assert host.load(project)
    assert host.save() == project


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_a_project_with_a_text_that_is_none_is_refused_and_changes_nothing(make_host: Make, text: bytes) -> None:
    host = with_chart(make_host())
    before = host.save()
    host.turn("Density", 0.35)
    host.flush()
    other = host.save()
    assert not host.load(before + b"text style " + text + b"\n")
    assert host.save() == other


@pytest.mark.parametrize("text", [b"\xff", b"C | " * 15_001], ids=["no UTF-8", "too long"])
def test_a_text_that_no_project_can_keep_is_not_taken_from_the_engine(
    engine: FakeEngine, make_host: Make, text: bytes
) -> None:
    host = make_host()
    is_ready(host)
    before = host.save()
    payload = b"\x06chords" + text
    engine.send(bytes([wire.TEXT_BACK, 0]) + len(payload).to_bytes(2, "little") + payload)
    engine.send(wire.status("and then"))
    wait_for(lambda: "and then" in host.text("Engine"), "it hears nothing more")
    assert host.save() == before


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="what a process may have is limited through Linux")
def test_without_a_thread_to_be_had_it_is_not_activated_and_the_host_lives(library_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_THREADS, str(library_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
