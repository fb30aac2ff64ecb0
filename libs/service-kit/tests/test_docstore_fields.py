"""What a collection may be indexed by, and what is read from its documents."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, computed_field

from contracts.envelope import UtcDatetime
from service_kit.docstore import CollectionSpec, Document, Index
from service_kit.docstore.fields import IndexedFields
from service_kit.docstore.scalars import comparable


class Place(BaseModel):
    """Something nested."""

    town: str
    code: Annotated[str, Field(max_length=9)] | None = None


class Note(Document):
    """A field of every kind."""

    kind: Literal["a", "b"] = "a"
    at: UtcDatetime | None = None
    seen_at: UtcDatetime = datetime(2026, 1, 1, tzinfo=UTC)
    home: Place = Place(town="Oslo")
    work: Place | None = None
    extra: dict[str, str] = Field(default_factory=dict)
    anything: Any = None
    tags: frozenset[str] = frozenset()
    places: tuple[Place, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def initial(self) -> str:
        """A field that is computed."""
        return self.kind[0]

    @property
    def towns(self) -> list[str]:
        """A list that is not stored itself."""
        return [place.town for place in self.places]


def _fields(*indexes: Index, lists: frozenset[str] = frozenset(), tokens: str | None = None) -> IndexedFields[Note]:
    return IndexedFields(CollectionSpec("notes", Note, indexes=indexes, lists=lists, tokens=tokens))


@pytest.mark.parametrize(
    ("field", "nullable"),
    [
        ("kind", False),
        ("at", True),
        ("seen_at", False),
        ("home.town", False),
        ("home.code", True),
        ("work.town", True),
        ("extra.colour", True),
        ("anything", True),
        ("anything.deeper", True),
        ("initial", False),
    ],
)
def test_nullable(field: str, nullable: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Whether a field may be missing is read from the model, along the whole path."""

    assert _fields(Index((field,))).is_nullable(field) is nullable


@pytest.mark.parametrize(
    "index",
    [
        Index(()),
        Index(("kind", "kind")),
        Index(("nothing",)),
        Index(("home.nothing",)),
        Index(("kind.deeper",)),
        Index(("home",)),
        Index(("extra",)),
        Index(("places",)),
        Index(("tags",)),
        Index(("places.town",)),
        Index(("rev",)),
        Index(("Kind",)),
        Index(('kind"; DROP TABLE notes; --',)),
    ],
    ids=str,
)
def test_impossible_indexes(index: Index) -> None:
    """An index over no field, a field that is not there or not one value, or no field's name, is refused at once."""
    with pytest.raises(ValueError, match=r"^(notes: |Note\.)"):
        _fields(index)


@pytest.mark.parametrize(
    "index", [Index(("tags", "kind")), Index(("kind", "tags"), unique=True), Index(("towns", "tags"))], ids=str
)
def test_lists_in_indexes(index: Index) -> None:
    """A list may only be the last field of a plain index."""
    with pytest.raises(ValueError, match="list"):
        _fields(index, lists=frozenset({"tags", "towns"}))


def test_impossible_lists_and_names() -> None:
    """What is named a list must be able to be one, and a collection's name must be plain."""
    with pytest.raises(ValueError, match="not a list"):
        _fields(lists=frozenset({"kind"}))
    with pytest.raises(ValueError, match="not a list"):
        _fields(tokens="home")
    for name in ("", "Notes", "my notes", "a__b", "_a", 'a"', "1a"):
        with pytest.raises(ValueError, match="cannot name"):
            IndexedFields(CollectionSpec(name, Note))


def test_values() -> None:
    """Values are read along their paths, in one comparable form; what is not there is None."""
    fields = _fields(
        Index(("kind", "at", "seen_at")),
        Index(("work.town",)),
        Index(("extra.colour", "home.town", "id")),
        Index(("initial", "tags")),
        lists=frozenset({"tags", "towns"}),
    )
    note = Note(id="a", extra={"colour": "red"}, tags=frozenset({"x"}), places=(Place(town="Rome"), Place(town="Rome")))

    assert dict(zip(fields.scalars, fields.scalars_of(note), strict=True)) == {
        "kind": "a",
        "at": None,
        "seen_at": "2026-01-01T00:00:00.000000Z",
        "work.town": None,
        "extra.colour": "red",
        "home.town": "Oslo",
        "initial": "a",
    }
    assert dict(zip(fields.lists, fields.lists_of(note), strict=True)) == {
        "tags": frozenset({"x"}),
        "towns": frozenset({"Rome"}),
    }


def test_values_of_a_wrong_type() -> None:
    """What the model could not promise is checked when it is read."""
    fields = _fields(Index(("anything",)), lists=frozenset({"tags"}))
    note = Note(id="a")

    for value in (["x"], {"x": 1}, b"x", note):
        with pytest.raises(TypeError):
            fields.scalars_of(note.model_copy(update={"anything": value}))
    for tags in ("text", [1], 5):
        with pytest.raises(TypeError):
            fields.lists_of(note.model_copy(update={"tags": tags}))
    with pytest.raises(ValueError, match="zone"):
        comparable(datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake that is refused


def test_moments_keep_their_order() -> None:
    """Early years and whole seconds are as wide as any, so that text order is the order in time."""
    moments = [
        datetime(9, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC),
    ]
    texts = [str(comparable(moment)) for moment in moments]

    assert texts == sorted(texts)
    assert {len(text) for text in texts} == {27}
    assert comparable(float("nan")) is None
