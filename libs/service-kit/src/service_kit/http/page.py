"""Pages of ours, and the policy that lets a browser run what stands in them and nothing that was smuggled in."""

import base64
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from html.parser import HTMLParser

from fastapi.responses import HTMLResponse

_KINDS = ("script", "style")
_KEPT_POLICIES = 32


class Page(HTMLResponse):
    """HTML with its own policy: its inline scripts and styles by their digests, and what the same origin serves."""

    def __init__(self, content: str, status_code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(content, status_code, {**(headers or {}), "Content-Security-Policy": page_policy(content)})


@lru_cache(_KEPT_POLICIES)
def page_policy(html: str) -> str:
    """The Content-Security-Policy of a page that talks to its own origin only."""
    inline = _Inline()
    inline.feed(html)
    inline.close()
    allowed = {kind: " ".join(["'self'", *map(_digest, inline.found[kind])]) for kind in _KINDS}
    return (
        f"default-src 'none'; script-src {allowed['script']}; style-src {allowed['style']}; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


class _Inline(HTMLParser):
    """Gathers the text of inline scripts and style sheets as a browser sees it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: dict[str, list[str]] = {kind: [] for kind in _KINDS}
        self._inside: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An inline one begins."""
        if tag in _KINDS and "src" not in dict(attrs):
            self._inside = tag
            self.found[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        """It ends."""
        if tag == self._inside:
            self._inside = None

    def handle_data(self, data: str) -> None:
        """A part of it, or of the page's text."""
        if self._inside is not None:
            self.found[self._inside][-1] += data
