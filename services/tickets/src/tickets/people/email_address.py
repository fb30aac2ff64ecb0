"""E-mail addresses as people type them: checked for shape, compared in one spelling."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

_ADDRESS = re.compile(r"[^\s@<>\"',;:\\]{1,64}@[^\s@<>\"',;:\\]{1,255}")


def normalise_email(text: str) -> str:
    """The one spelling of an address: trimmed, lower case.

    Raises:
        ValueError: it has not the shape of an address.
    """
    address = text.strip().lower()
    if not _ADDRESS.fullmatch(address) or not address.isprintable():
        raise ValueError("not an e-mail address")
    return address


EmailAddress = Annotated[str, Field(max_length=320), AfterValidator(normalise_email)]
"""An address in its one spelling."""
