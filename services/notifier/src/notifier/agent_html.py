"""HTML that an agent or a program wrote, as it may leave: an allow-list, whatever the API was given (S4). Pure.

Unlike what comes in, it may show pictures from the web: those are the company's own.
"""

import html
import re

import nh3

MAX_CHARACTERS = 500_000
_MAX_NESTING = 200
_MAX_REFERENCES = 20_000
"""The cleaner takes time with the square of the depth, and of the number of `&`."""


def _words(text: str) -> set[str]:
    return set(text.split())


_TAGS = _words(
    "a abbr b blockquote br caption code col colgroup dd del div dl dt em font h1 h2 h3 h4 h5 h6 hr i img ins kbd li ol"
    " p pre q s samp small span strike strong sub sup table tbody td tfoot th thead tr u ul"
)
_ATTRIBUTES = {
    "*": {"dir", "lang", "title", "style"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "font": {"color", "size"},
    "td": {"align", "valign", "colspan", "rowspan", "width", "bgcolor"},
    "th": {"align", "valign", "colspan", "rowspan", "width", "bgcolor"},
    "table": {"align", "width", "cellpadding", "cellspacing", "border", "bgcolor"},
    "ol": {"start"},
}
_STYLES = _words(
    "background-color border border-left border-collapse color direction font-family font-size font-style font-weight"
    " height line-height margin margin-left max-width padding padding-left text-align text-decoration vertical-align"
    " white-space width"
)
_SCHEMES = {"http", "https", "mailto", "tel", "cid"}
_FETCHING_STYLE = re.compile(r"[\\@]|url\s*\(|image|expression", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
_VOID = _words("br col hr img")


def clean(given: str) -> str | None:
    """The HTML that may leave; None where there is nothing in it, or too much of it to clean in good time."""
    if len(given) > MAX_CHARACTERS or given.count("&") > _MAX_REFERENCES or _nesting(given) > _MAX_NESTING:
        return None
    cleaned = nh3.clean(
        given,
        tags=_TAGS,
        clean_content_tags={"script", "style", "title"},
        attributes=_ATTRIBUTES,
        attribute_filter=_keep,
        url_schemes=_SCHEMES,
        link_rel=None,
        filter_style_properties=_STYLES,
    ).strip()
    return cleaned or None


def signed(cleaned: str, signature: str) -> str:
    """The HTML with the address' signature below, which is plain text."""
    if not signature.strip():
        return cleaned
    below = "<br>\n".join(["-- ", *html.escape(signature.strip()).splitlines()])
    return f"{cleaned}\n<div>{below}</div>"


def _nesting(given: str) -> int:
    depth = deepest = 0
    for tag in _TAG.finditer(given):
        if tag[2].lower() not in _VOID:
            depth = max(depth - 1, 0) if tag[1] else depth + 1
            deepest = max(deepest, depth)
    return deepest


def _keep(_element: str, attribute: str, value: str) -> str | None:
    """Styles without a way to name an address; what stands in `src` and `href` is checked by scheme."""
    return None if attribute == "style" and _FETCHING_STYLE.search(value) else value
