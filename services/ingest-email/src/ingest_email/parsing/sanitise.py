"""HTML of strangers to HTML that an agent's browser may show: an allow-list, nothing fetched, nothing run (S4)."""

import re
from functools import cache

import nh3

MAX_HTML_CHARACTERS = 1_000_000
MAX_NESTING = 500


def _words(text: str) -> set[str]:
    return set(text.split())


_TAGS = _words(
    "a abbr b bdi bdo blockquote br caption center cite code col colgroup dd del div dl dt em font h1 h2 h3 h4 h5 h6 hr"
    " i img ins kbd li mark ol p pre q s samp small span strike strong sub sup table tbody td tfoot th thead tr tt u ul"
    " var"
)
_CELL = _words("align valign colspan rowspan width bgcolor")
_ATTRIBUTES = {
    "*": _words("dir lang title style"),
    "a": _words("href"),
    "img": _words("src alt width height"),
    "font": _words("color size"),
    "td": _CELL,
    "th": _CELL,
    "table": _words("align width cellpadding cellspacing border bgcolor"),
    "ol": _words("start"),
    "col": _words("span width"),
    "colgroup": _words("span width"),
}
_STYLES = _words(
    "background-color color direction font-size font-style font-weight text-align text-decoration white-space"
)
_SCHEMES = _words("http https mailto tel cid")
_CLOSED_BY_OTHERS = _words(
    "area base br col embed hr img input link meta param source track wbr"
    " p li dt dd option tr td th thead tbody tfoot colgroup"
)
_MAX_URL = 2048
_REMOTE = "remote:"
"""Stands before the address of a picture that is not in the mail: no browser fetches that; tickets does, when asked."""

_PICTURE = re.compile(r"https?://[^\s\x00-\x1f\x7f\"'<>\\]+", re.IGNORECASE)
_FETCHING_STYLE = re.compile(r"[\\@]|url\s*\(|image", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")


def sanitise(html: str) -> str | None:
    """Clean HTML; None where the input is larger or nested deeper than the cleaner can take in good time."""
    if len(html) > MAX_HTML_CHARACTERS or nesting(html) > MAX_NESTING:
        return None
    clean = _cleaner().clean(html)
    return clean if len(clean) <= MAX_HTML_CHARACTERS else None


def nesting(html: str) -> int:
    """How many elements stand open at once at most. Elements that a sibling closes do not nest in themselves."""
    depth = deepest = 0
    for tag in _TAG.finditer(html):
        if tag[2].lower() not in _CLOSED_BY_OTHERS:
            depth = max(depth - 1, 0) if tag[1] else depth + 1
            deepest = max(deepest, depth)
    return deepest


@cache
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=_TAGS,
        clean_content_tags=_words("script style title"),
        attributes=_ATTRIBUTES,
        attribute_filter=_keep,
        url_schemes=_SCHEMES,
        url_relative="deny",
        link_rel="noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        filter_style_properties=_STYLES,
    )


def _keep(element: str, attribute: str, value: str) -> str | None:
    """Pictures of the mail itself, others by name only; links anywhere; styles without a way to name an address."""
    is_inside = value.strip().lower().startswith("cid:")
    if attribute == "src":
        return (value if is_inside else _remote(value.strip())) if element == "img" else None
    if attribute == "href":
        return None if is_inside else value
    if attribute == "style":
        return None if _FETCHING_STYLE.search(value) else value
    return value


def _remote(url: str) -> str | None:
    return f"{_REMOTE}{url}" if len(url) <= _MAX_URL and _PICTURE.fullmatch(url) else None
