"""Laws of the hub: every page hears every change in order, one that lags is told the whole anew, and nobody is waited
for."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from bridge.panel.hub import KEPT, Hub
from bridge.panel.tap import MAX_ENTRIES, Tap


def hub_of(tap: Tap) -> tuple[Hub, list[str]]:
    trouble: list[str] = []
    return Hub(tap, lambda: 1_000_000, trouble.append), trouble


def changes(messages: list[str]) -> list[list[object]]:
    return [
        change for message in messages for change in json.loads(message).get("changes", []) if change[0] != "health"
    ]


def test_the_first_news_is_the_whole_and_the_next_are_changes() -> None:
    tap = Tap()
    hub, _ = hub_of(tap)
    tap.add("push", 2_000_000, 0x90, 60, 64, 0)
    hub.step()
    reader = hub.reader(lambda: None)
    (whole,) = map(json.loads, reader.news())
    assert whole["whole"]["notes"] == [[1, 2_000_000, None, 60, 64, 0, "planned"]]
    tap.add("cancel", 1_500_000)
    hub.step()
    assert changes(reader.news()) == [["back", 1]]
    assert reader.news() == []


def test_every_page_is_told_every_change_in_order() -> None:
    tap = Tap()
    hub, _ = hub_of(tap)
    readers = [hub.reader(lambda: None) for _ in range(3)]
    for reader in readers:
        reader.news()
    heard: list[list[list[object]]] = [[] for _ in readers]
    for number in range(100):
        tap.marked(number, f"Chord{number}")
        hub.step()
        if number % 7 == 0:
            for told, reader in zip(heard, readers, strict=True):
                told += changes(reader.news())
    for told, reader in zip(heard, readers, strict=True):
        told += changes(reader.news())
        assert told == [["mark", number, f"Chord{number}"] for number in range(100)]


def test_a_page_that_lags_is_told_the_whole_and_not_waited_for() -> None:
    tap = Tap()
    hub, _ = hub_of(tap)
    reader = hub.reader(lambda: None)
    reader.news()
    for number in range(KEPT + 1):
        tap.marked(number, "C")
        hub.step()
    (only,) = reader.news()
    assert "whole" in json.loads(only)
    tap.marked(0, "D")
    hub.step()
    assert changes(reader.news()) == [["mark", 0, "D"]]


def test_a_hub_that_stands_still_keeps_nobody_waiting_and_no_more_than_it_may() -> None:
    tap = Tap()
    began_s = time.monotonic()
    for number in range(MAX_ENTRIES + 10):
        tap.sent(number, b"\x90\x3c\x40")
    assert time.monotonic() - began_s < 10
    entries = tap.take()
    assert len(entries) == MAX_ENTRIES + 1
    assert entries[-1] == ("lost",)


def test_a_page_is_told_that_entries_were_lost_and_nothing_goes_on_sounding_in_it() -> None:
    tap = Tap()
    hub, trouble = hub_of(tap)
    tap.heard(100, b"\x90\x30\x40")
    tap.sent(200, b"\x90\x3c\x40")
    tap.add("push", 2_000_000, 0x90, 62, 64, 0)
    hub.step()
    reader = hub.reader(lambda: None)
    reader.news()
    for number in range(MAX_ENTRIES + 1):
        tap.add("state", "seed", number)
    tap.sent(300, b"\x80\x3c\x40")
    hub.step()
    (message,) = reader.news()
    told = [change for change in json.loads(message)["changes"] if change[0] not in ("state", "health")]
    assert sorted(told) == [["back", 2], ["keyup", 1, 1_000_000], ["off", 1, 1_000_000]]
    assert len(trouble) == 1
    hub.step()
    assert len(trouble) == 1


def test_the_whole_has_what_counts_last_in_the_order_it_came_about() -> None:
    tap = Tap()
    hub, _ = hub_of(tap)
    for kind, *fields in (("beat", 1, 120.0, 1, 4), ("state", "tempo", 140.0), ("drawn", {}), ("beat", 2, 140.0, 2, 4)):
        tap.add(str(kind), *fields)
    hub.step()
    (whole,) = map(json.loads, hub.reader(lambda: None).news())
    kinds = [change[0] for change in whole["whole"]["changes"]]
    assert [kind for kind in kinds if kind != "health"] == ["state", "drawn", "beat"]


def test_a_rest_is_marked_at_its_own_time() -> None:
    tap = Tap()
    hub, _ = hub_of(tap)
    reader = hub.reader(lambda: None)
    reader.news()
    tap.marked(700, "Dm7")
    tap.rested(900)
    hub.step()
    assert changes(reader.news()) == [["mark", 700, "Dm7"], ["beat", 900], ["mark", 900, ""]]


def test_an_entry_that_breaks_the_score_is_reported_and_pages_begin_anew() -> None:
    tap = Tap()
    hub, trouble = hub_of(tap)
    woken = threading.Event()
    reader = hub.reader(woken.set)
    reader.news()
    hub.open()
    try:
        tap.add("no such kind")
        give_up_s = time.monotonic() + 60
        while not trouble and time.monotonic() < give_up_s:
            time.sleep(0.01)
        assert "begins anew" in trouble[0]
        tap.marked(5, "Dm7")
        told: list[dict[str, Any]] = []
        while '"Dm7"' not in json.dumps(told) and time.monotonic() < give_up_s:
            assert woken.wait(60)
            woken.clear()
            told += map(json.loads, reader.news())
        assert "whole" in told[0]
        assert '"Dm7"' in json.dumps(told)
    finally:
        hub.close()
