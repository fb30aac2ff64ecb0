"""Macros: reusable texts with variables, and what they do to a ticket besides (N2). Pure; no I/O."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from contracts.tickets import Priority
from service_kit.docstore import CollectionSpec, Document, Index
from tickets.life.snooze_presets import SnoozePreset
from tickets.macros.macro_variables import checked_html, checked_text

MACROS_PER_ACCOUNT = 5_000

_REMEMBERED_USES = 100
"""An event is published again soon or never; so many uses in between do not matter."""

MacroName = Annotated[str, Field(min_length=1, max_length=200)]
MacroText = Annotated[str, Field(min_length=1, max_length=20_000), AfterValidator(checked_text)]
MacroHtml = Annotated[str, Field(min_length=1, max_length=100_000), AfterValidator(checked_html)]
MacroCategory = Annotated[str, Field(min_length=1, max_length=100)]
MacroTag = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^\S(.*\S)?$")]
MacroTags = Annotated[tuple[MacroTag, ...], Field(max_length=20)]


class MacroActions(BaseModel):
    """What a macro does to the ticket that is answered with it; what is not said stays as it is.

    `assignee` is `me`, `none` or an agent's id. `snooze` is until when, and goes with `status` `snooze`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    add_tags: MacroTags = ()
    remove_tags: MacroTags = ()
    status: Literal["close", "snooze"] | None = None
    snooze: SnoozePreset | None = None
    assignee: Annotated[str | None, Field(min_length=1, max_length=100)] = None
    priority: Priority | None = None

    @model_validator(mode="after")
    def _make_sense_together(self) -> "MacroActions":
        if (self.status == "snooze") != (self.snooze is not None):
            raise ValueError("status `snooze` needs a preset in `snooze`, and nothing else has one")
        both = sorted(set(self.add_tags) & set(self.remove_tags))
        if both:
            raise ValueError(f"{both[0]!r} is both added and removed")
        return self


class Macro(Document):
    """One text. `sort_name` is the name as lists order it.

    `counted` are the messages of its newest uses, so that one that is told of again counts once.
    """

    account_id: str
    name: str
    sort_name: str
    text: str
    html: str | None = None
    category: str | None
    actions: MacroActions = MacroActions()
    times_used: int = 0
    last_used_at: datetime | None = None
    counted: tuple[str, ...] = ()
    created_at: datetime
    updated_at: datetime


MACROS = CollectionSpec(
    name="macros",
    model=Macro,
    indexes=(
        Index(("account_id", "sort_name")),
        Index(("account_id", "category", "sort_name")),
        Index(("account_id", "category")),
    ),
)


def sort_name(name: str) -> str:
    """What orders names as people expect, upper and lower case together."""
    return name.casefold()


def used(macro: Macro, message_id: str, at: datetime) -> Macro:
    """The macro after a message was written with it; the same macro if that one counts already."""
    if message_id in macro.counted:
        return macro
    return macro.model_copy(
        update={
            "times_used": macro.times_used + 1,
            "last_used_at": max(at, macro.last_used_at) if macro.last_used_at else at,
            "counted": (*macro.counted, message_id)[-_REMEMBERED_USES:],
        }
    )
