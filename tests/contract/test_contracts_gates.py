"""The gates around published contracts, each proven by something broken on purpose."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from pydantic import ConfigDict, Field, ValidationError

from contracts.compatibility import incompatibilities
from contracts.completeness import incomplete_topics, missing_examples, type_name
from contracts.envelope import Event
from contracts.generate import breaking_changes, generated_files, main, outdated_files, write_files
from contracts.topic import Topic
from contracts.topics import TOPICS

FOLDER = Path(__file__).parents[2] / "contracts"
MODELS: dict[str, type[Event]] = {type_name(event): event for topic in TOPICS for event in topic.events}
EXAMPLES = sorted((FOLDER / "examples").glob("*/*.json"))


class Thing(Event):
    """Something for the broken fixtures."""

    key_field: ClassVar[str] = "account_id"

    type: Literal["support.thing.happened.v1"] = "support.thing.happened.v1"
    colour: Literal["red", "green"] = "red"
    size: int


THING = Topic(
    name="thing-events-v1",
    summary="Things.",
    owner="tickets",
    producers=("tickets",),
    consumers=("router",),
    key="account",
    events=(Thing,),
)


def examples_by_type() -> dict[str, list[Path]]:
    """Stored examples under the name of their event type."""
    found: dict[str, list[Path]] = {}
    for path in EXAMPLES:
        found.setdefault(path.parent.name, []).append(path)
    return found


def test_generated_files_equal_the_code() -> None:
    """Schemas and the AsyncAPI document are regenerated without a difference (E1)."""

    assert outdated_files(FOLDER, TOPICS) == []
    assert {path.name for path in (FOLDER / "schemas").iterdir()} == {
        name.removeprefix("schemas/") for name in generated_files(TOPICS) if name.startswith("schemas/")
    }


def test_an_outdated_schema_is_noticed(tmp_path: Path) -> None:
    """A generated file that somebody edited or deleted fails the check."""
    write_files(tmp_path, [THING])
    (tmp_path / "schemas/support.thing.happened.v1.json").write_text("{}\n")
    (tmp_path / "asyncapi/deskbus.json").unlink()

    assert outdated_files(tmp_path, [THING]) == ["schemas/support.thing.happened.v1.json", "asyncapi/deskbus.json"]


def test_every_topic_is_complete() -> None:
    """Every topic has owner, producers, consumers, key, retention and events, and every event a description."""

    assert incomplete_topics(TOPICS) == []
    assert missing_examples(TOPICS, examples_by_type()) == []


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (replace(THING, summary=""), "has no summary"),
        (replace(THING, consumers=()), "has no consumers"),
        (replace(THING, events=()), "has no events"),
        (replace(THING, retention_days=1), "less than 7 days"),
        (replace(THING, name="Thing.Events"), "not kebab-case"),
        (replace(THING, partitions=0), "no partitions"),
    ],
    ids=["summary", "consumers", "events", "retention", "name", "partitions"],
)
def test_an_incomplete_topic_is_noticed(broken: Topic, complaint: str) -> None:
    """Each thing a topic must say is missed when it is missing."""

    assert any(complaint in line for line in incomplete_topics([broken]))


def test_a_type_on_two_topics_and_a_missing_example_are_noticed() -> None:
    """A type has one home and at least one example; an example needs a type."""
    doubled = [THING, replace(THING, name="other-things-v1")]

    assert "support.thing.happened.v1 lives on both thing-events-v1 and other-things-v1" in incomplete_topics(doubled)
    assert missing_examples([THING], {"support.gone.v1": [1]}) == [
        "support.thing.happened.v1 has no example",
        "examples of support.gone.v1 belong to no event type",
    ]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_stored_example_still_parses(path: Path) -> None:
    """What was ever published can still be read, and says nothing that the model would drop."""
    model = MODELS[path.parent.name]
    event = model.model_validate_json(path.read_text())

    assert event.model_dump(mode="json", exclude_unset=True) == json.loads(path.read_text())
    assert event.key.startswith(event.account_id)


def test_an_example_that_no_longer_parses_is_noticed() -> None:
    """A required field that an old example lacks is refused: the gate above can fire."""
    broken = json.loads(EXAMPLES[0].read_text())
    del broken["account_id"]

    with pytest.raises(ValidationError):
        MODELS[EXAMPLES[0].parent.name].model_validate(broken)


def changed_thing(**fields: Any) -> type[Event]:
    """The thing's class with other fields under the same type name."""
    namespace: dict[str, Any] = {"__doc__": "Something else.", "__annotations__": {}, "key_field": "account_id"}
    namespace["__annotations__"]["type"] = Literal["support.thing.happened.v1"]
    namespace["type"] = "support.thing.happened.v1"
    for name, (annotation, default) in fields.items():
        namespace["__annotations__"][name] = annotation
        namespace[name] = default
    namespace["model_config"] = ConfigDict(frozen=True, extra="ignore")
    return type("Thing", (Event,), {**namespace, "__module__": __name__})


REQUIRED = Field()
COLOUR = (Literal["red", "green"], "red")


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"colour": COLOUR}, "$.size was removed"),
        ({"colour": COLOUR, "size": (str, REQUIRED)}, "$.size<type> changed"),
        ({"colour": (Literal["red"], "red"), "size": (int, REQUIRED)}, "$.colour"),
        ({"colour": COLOUR, "size": (int, REQUIRED), "weight": (int, REQUIRED)}, "$.weight became required"),
        ({"colour": COLOUR, "size": (int, 3)}, "$.size is no longer always present"),
        ({"colour": COLOUR, "size": (int, Field(le=3))}, "$.size<maximum> changed"),
    ],
    ids=["removed", "retyped", "narrowed", "new-required", "no-longer-required", "bounded"],
)
def test_an_incompatible_change_fails(tmp_path: Path, fields: dict[str, Any], complaint: str) -> None:
    """Within a major version only additive optional change passes (E3)."""
    write_files(tmp_path, [THING])
    after = replace(THING, events=(changed_thing(**fields),))

    assert any(complaint in line for line in breaking_changes(tmp_path, [after]))


def test_an_additive_optional_field_passes(tmp_path: Path) -> None:
    """A new field with a default breaks nobody (E3)."""
    write_files(tmp_path, [THING])
    after = replace(THING, events=(changed_thing(colour=COLOUR, size=(int, REQUIRED), weight=(int | None, None)),))

    assert breaking_changes(tmp_path, [after]) == []


def test_a_removed_type_fails_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command refuses, names the type, and writes nothing."""
    write_files(tmp_path, [THING])

    assert main([str(tmp_path)]) == 1
    assert "support.thing.happened.v1: the type was removed" in capsys.readouterr().err
    assert not (tmp_path / "schemas/support.ticket.created.v1.json").exists()


def test_nested_shapes_are_compared_too() -> None:
    """A change inside a referenced shape is found, recursive shapes included."""
    before = {
        "$defs": {"Node": {"properties": {"next": {"$ref": "#/$defs/Node"}, "name": {"type": "string"}}}},
        "properties": {"root": {"$ref": "#/$defs/Node"}},
    }
    after = json.loads(json.dumps(before).replace('"string"', '"integer"'))

    assert incompatibilities(before, before) == []
    assert incompatibilities(before, after) == ["$.root.name<type> changed from 'string' to 'integer'"]


def test_keys_never_cross_accounts() -> None:
    """The same aggregate id in two accounts has two keys."""
    one = Thing.model_validate({"id": "1", "account_id": "a", "time": "2026-01-01T00:00:00Z", "size": 1})
    other = one.model_copy(update={"account_id": "b"})

    assert one.key != other.key


def test_naive_times_are_refused() -> None:
    """An event's time is aware and held in UTC."""
    with pytest.raises(ValidationError):
        Thing.model_validate({"id": "1", "account_id": "a", "time": "2026-01-01T00:00:00", "size": 1})
