"""Settings of one shape in their three forms: plain in memory, sealed at rest and on the bus, public over HTTP."""

import json
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from service_kit.secret_box import SecretBox
from service_kit.secret_paths import secret_paths, with_secrets, without_secrets, write_only_paths

S = TypeVar("S", bound=BaseModel)


class SettingsCodec(Generic[S]):
    """Knows where a shape keeps its secrets (`contracts.settings.Secret`)."""

    def __init__(self, shape: type[S], secrets: SecretBox) -> None:
        self.shape = shape
        self._secrets = secrets
        self._schema = _schema(shape)

    def seal(self, settings: S) -> dict[str, Any]:
        """JSON with every secret encrypted."""
        plain = settings.model_dump(mode="json")
        return self._changed(plain, encrypt=True)

    def open(self, sealed: dict[str, Any]) -> S:
        """The settings that were sealed, perhaps by a newer version of us: fields unknown here are ignored.

        Raises:
            SecretUnreadable: `DESKBUS_SECRET_KEY` is not the one they were sealed with.
        """
        return self.shape.model_validate(self._changed(sealed, encrypt=False), extra="ignore")

    def public(self, settings: S) -> dict[str, Any]:
        """JSON without secrets, set or not: those are write-only for people."""
        plain = settings.model_dump(mode="json")
        shown: dict[str, Any] = without_secrets(plain, write_only_paths(self._schema, plain))
        return shown

    def seal_text(self, settings: S) -> str:
        """The sealed form as text: keys are addresses and numbers, which not every store takes as field names."""
        return json.dumps(self.seal(settings), ensure_ascii=False)

    def open_text(self, sealed: str) -> S:
        """The settings from their sealed text."""
        return self.open(json.loads(sealed))

    def _changed(self, value: dict[str, Any], *, encrypt: bool) -> dict[str, Any]:
        change = self._secrets.encrypt if encrypt else self._secrets.decrypt
        changed: dict[str, Any] = with_secrets(value, secret_paths(self._schema, value), change)
        return changed


@cache
def _schema(shape: type[BaseModel]) -> dict[str, Any]:
    """Where the fields are; only read. Made once: it takes longer than all else that a codec does."""
    return shape.model_json_schema(by_alias=False)
