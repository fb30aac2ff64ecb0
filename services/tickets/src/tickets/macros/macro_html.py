"""Where the HTML of a macro may be filled in (S4). Pure."""

import re

_TOKEN = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|<(?=[a-zA-Z/!?{])|[>\"']", re.DOTALL)


def unquoted_place(html: str) -> str | None:
    """The first place that stands bare within a tag, as in `<a href={{ … }}>`.

    Escaping is of no use there: a space is enough for a value to become an attribute.
    """
    in_tag, quote = False, ""
    for token in _TOKEN.finditer(html):
        found = token.group()
        if found.startswith("{{") and in_tag and not quote:
            return found
        if found.startswith("{"):
            continue
        if not in_tag:
            in_tag = found == "<"
        elif quote:
            quote = "" if found == quote else quote
        elif found == ">":
            in_tag = False
        elif found != "<":
            quote = found
    return None
