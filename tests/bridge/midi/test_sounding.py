"""Laws of the keys that sound at the far end of a port."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.midi.sounding import Pedals, SoundingKeys, clean_up, is_strike

NOTES = st.tuples(st.sampled_from((0x80, 0x81, 0x90, 0x91)), st.integers(59, 62), st.sampled_from((0, 1, 127)))
OTHERS = st.sampled_from([(0xB0, 60, 100), (0xE1, 60, 64), (0xA0, 60, 9), (0xC1, 60), (0xF8,), (0xF0, 60, 1, 0xF7)])


def told(messages: list[tuple[int, ...]]) -> SoundingKeys:
    keys = SoundingKeys()
    for message in messages:
        keys.sending(message)
        keys.sent(message)
    return keys


@given(st.lists(NOTES | OTHERS))
def test_what_was_struck_and_not_ended_sounds_and_its_ends_end_it(messages: list[tuple[int, ...]]) -> None:
    last = {(m[0] & 0x0F, m[1]): m for m in messages if m[0] & 0xE0 == 0x80}  # both kinds of note message
    wanted = sorted((0x80 | channel, pitch, 0) for (channel, pitch), m in last.items() if is_strike(m))
    keys = told(messages)
    assert keys.ends() == wanted
    assert bool(keys) == bool(wanted)
    assert all(keys.sounds(message) for message in wanted)
    assert not told([*messages, *keys.ends()])


def test_a_send_that_fails_leaves_a_strike_sounding_and_an_end_still_to_be_sent() -> None:
    keys = SoundingKeys()
    keys.sending((0x92, 60, 1))  # and the send raised
    assert keys.ends() == [(0x82, 60, 0)]
    keys.sending((0x82, 60, 0))
    assert keys.ends() == [(0x82, 60, 0)]
    keys.sent((0x82, 60, 0))
    assert keys.ends() == []


@given(st.lists(NOTES | OTHERS))
def test_every_channel_on_which_something_may_be_held_is_cleaned_up(messages: list[tuple[int, ...]]) -> None:
    held = {m[0] & 0x0F for m in messages if m[0] < 0xF0 and m[-1] > 0}
    assert told(messages).channels == held
    assert told([*messages, *clean_up(range(16))]).channels == held  # a clean-up itself leaves nothing to clean
    assert clean_up({9, 0}) == [(0xB0, 64, 0), (0xB0, 123, 0), (0xB9, 64, 0), (0xB9, 123, 0)]


PEDALS = st.tuples(st.sampled_from((0xB0, 0xB3)), st.sampled_from((64, 66, 69, 67, 121)), st.sampled_from((0, 1, 127)))


def pedalled(messages: list[tuple[int, ...]]) -> Pedals:
    pedals = Pedals()
    for message in messages:
        pedals.take(message)
    return pedals


@given(st.lists(PEDALS | NOTES | OTHERS))
def test_a_pedal_is_down_as_far_as_it_was_put_last_until_it_is_lifted_or_reset(messages: list[tuple[int, ...]]) -> None:
    down: dict[tuple[int, int], int] = {}
    for status, number, *rest in (message for message in messages if message[0] & 0xF0 == 0xB0):
        for pedal in (64, 66, 69):
            if number in (pedal, 121):
                down[status, pedal] = rest[0] if number == pedal else 0
    held = pedalled(messages).held()
    assert held == [(*where, value) for where, value in sorted(down.items()) if value]
    assert pedalled([*messages, *held]).held() == held
    assert pedalled([*messages, *pedalled(messages).ends()]).held() == []
