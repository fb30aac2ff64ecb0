"""The HTML of a mail whose author wrote text alone: the same words, in paragraphs, with links to follow. Pure."""

import html
import re

_PARAGRAPHS = re.compile(r"\n{2,}")
_LINK = re.compile(r"https?://[^\s<>\"]+")
_BEHIND_A_LINK = ".,;:!?)]}'"


def page_of(text: str) -> str:
    """The page; empty where the text is."""
    lines = "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")
    return "\n".join(f"<p>{_marked_up(part)}</p>" for part in _PARAGRAPHS.split(lines) if part.strip())


def _marked_up(paragraph: str) -> str:
    pieces, end = [], 0
    for found in _LINK.finditer(paragraph):
        link = found[0].rstrip(_BEHIND_A_LINK)
        escaped = html.escape(link, quote=False)  # a link holds no quote that would end the attribute
        pieces += [_escaped(paragraph[end : found.start()]), f'<a href="{escaped}">{escaped}</a>']
        end = found.start() + len(link)
    return "".join([*pieces, _escaped(paragraph[end:])])


def _escaped(text: str) -> str:
    return html.escape(text, quote=False).replace("\n", "<br>\n")
