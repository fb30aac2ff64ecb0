"""What every settings area is made of: a shape that refuses what it does not know, texts, and secrets."""

from typing import Annotated

from pydantic import ConfigDict, Field

from contracts.envelope import Shape

Secret = Annotated[str, Field(min_length=1, max_length=4096, json_schema_extra={"writeOnly": True})]
"""A credential: write-only for people, ciphertext at rest and on the bus."""

Text = Annotated[str, Field(max_length=10_000)]


class SettingsShape(Shape):
    """A settings area: unknown fields are refused, so that a typing error never passes silently."""

    model_config = ConfigDict(frozen=True, extra="forbid")
