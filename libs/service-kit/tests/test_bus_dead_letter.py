from hypothesis import given, settings
from hypothesis import strategies as st

from service_kit.bus.dead_letter import Verdict, condemn, revive
from service_kit.bus.record import Record

HEADERS = st.dictionaries(st.text().filter(lambda name: not name.startswith("dlq_")), st.text(), max_size=4)


@settings(deadline=None)
@given(key=st.text(), value=st.binary(), headers=HEADERS)
def test_revived_as_it_was(key: str, value: bytes, headers: dict[str, str]) -> None:
    """Setting a record aside and putting it back changes nothing, however often it happens."""
    record = Record(key, value, headers)
    letter = condemn(record, Verdict("stumbled", "Stumbled", 2), topic="walks-v1", group="router")
    again = condemn(revive(letter), Verdict("invalid", "ValidationError", 0), topic="walks-v1", group="router")

    assert (letter.key, letter.value) == (key, value)
    assert letter.headers["dlq_reason"] == "stumbled"
    assert again.headers["dlq_reason"] == "invalid"
    assert revive(again) == record
