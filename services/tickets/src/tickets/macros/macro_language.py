"""The language of macros: a small part of Liquid that cannot loop, assign, load or leave a hole (N2). Pure.

What a text may say is closed: the filters and tags here. None of them repeats anything, so that the time a text takes
grows with its length and nothing else; the limits below are what is left to bound.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import wraps
from typing import Any

from liquid import BoundTemplate, Environment, Mode, Node, RenderContext, StrictDefaultUndefined
from liquid.builtin.content import Literal as Content
from liquid.builtin.filters import misc, string
from liquid.builtin.illegal import Illegal
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.case_tag import CaseTag
from liquid.builtin.tags.if_tag import IfTag
from liquid.builtin.tags.unless_tag import UnlessTag
from liquid.exceptions import FilterArgumentError, LiquidError
from liquid.filter import liquid_filter

from tickets.macros.macro_values import Missing, Value, Values

MAX_MARKUP_CHARACTERS = 300
MAX_MARKUPS = 500
MAX_TEXT_BYTES = 100_000
MAX_HTML_BYTES = 500_000

TAGS = ("if", "elsif", "else", "endif", "unless", "endunless", "case", "when", "endcase")
"""Public contract: what may stand in `{% … %}`."""

_CLOSING = {"{{": "}}", "{%": "%}"}
_UNPAIRED = "every {{ needs its }}, and every {% its %}"
_DELIMITER = re.compile(r"\{\{|\}\}|\{%|%\}")
_TAG_NAME = re.compile(r"-?\s*([^\s%}-]*)")
_DATE_FORMAT = re.compile(r"(?:[^%]|%-?[aAbBdeHIjmMpyY%]){1,100}")
_SAMPLE = "2026-11-20"
"""Stands for every variable when a text is tried: it is a text, and a date as well."""


class MacroFlaw(ValueError):
    """What is wrong with a text, in a sentence that names it."""


class MissingVariables(Exception):
    """A text says variables that have no value here: it would have holes."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(sorted(names))
        super().__init__(", ".join(self.names))


@liquid_filter
def _date(value: object, form: object = "%Y-%m-%d") -> str:
    """A date in another form; the standard filter would also read the clock and guess at texts."""
    try:
        day = date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise FilterArgumentError(f"date: {str(value)[:50]!r} is none", token=None) from error
    if not _DATE_FORMAT.fullmatch(str(form)):
        raise FilterArgumentError(f"date: unknown form {str(form)[:50]!r}", token=None)
    return day.strftime(str(form))


FILTERS: Mapping[str, Callable[..., Any]] = {
    "append": string.append,
    "capitalize": string.capitalize,
    "date": _date,
    "default": misc.default,
    "downcase": string.downcase,
    "prepend": string.prepend,
    "remove": string.remove,
    "strip": string.strip,
    "truncate": string.truncate,
    "truncatewords": string.truncatewords,
    "upcase": string.upcase,
    "url_encode": string.url_encode,
}
"""Public contract: what may stand after `|`. None lengthens a text by more than it is given."""


def _unless_missing(apply: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, through which a missing value passes as it is: a `default` further on may still fill it in."""

    @wraps(apply)
    def applied(value: object, *args: Any, **kwargs: Any) -> Any:
        return value if isinstance(value, Missing) and apply is not misc.default else apply(value, *args, **kwargs)

    return applied


class _If(IfTag):
    """As the library's, which drops what stands behind a second `else` without a word."""

    mode = Mode.STRICT


class _Unless(UnlessTag):
    """The same."""

    mode = Mode.STRICT


class _Language(Environment):
    block_nesting_limit = 10
    output_stream_limit = MAX_TEXT_BYTES

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:  # noqa: ARG002 - as Environment asks for it
        for tag in (Content, Output, Illegal, _If, _Unless, CaseTag):
            self.add_tag(tag)
        for name, apply in FILTERS.items():
            self.add_filter(name, _unless_missing(apply))


class _HtmlLanguage(_Language):
    output_stream_limit = MAX_HTML_BYTES


_TEXT = _Language(undefined=StrictDefaultUndefined)
_HTML = _HtmlLanguage(undefined=StrictDefaultUndefined, autoescape=True)


@dataclass(frozen=True, slots=True)
class MacroText:
    """A text that was read; `paths` are the variables it says."""

    template: BoundTemplate
    paths: frozenset[tuple[str, ...]]

    def rendered(self, values: Mapping[str, Mapping[str, Value]]) -> str:
        """The text with its variables filled in.

        Raises:
            MissingVariables: some that are shown have no value.
            MacroFlaw: a value does not fit what is done with it, or the text becomes too long.
        """
        missing: set[str] = set()
        try:
            text = self.template.render({name: Values(name, given, missing) for name, given in values.items()})
        except (LiquidError, OverflowError) as error:
            if missing:
                raise MissingVariables(missing) from error
            raise MacroFlaw(_reason(error)) from error
        if missing:
            raise MissingVariables(missing)
        return text


def read(text: str, *, is_html: bool = False) -> MacroText:
    """The text as something that can be rendered; in HTML what variables say is escaped.

    Raises:
        MacroFlaw: it cannot be rendered, whatever the values.
    """
    _check_markups(text)
    try:
        template = (_HTML if is_html else _TEXT).from_string(text)
        analysis = template.analyze(include_partials=False)
    except (LiquidError, RecursionError) as error:
        raise MacroFlaw(_reason(error) + _culprit(text)) from error
    unknown = sorted(name for name in analysis.filters if name not in FILTERS)
    if unknown:
        raise MacroFlaw(f"unknown filter {unknown[0][:100]!r}; known are {', '.join(FILTERS)}")
    segments = [variable.segments for found in analysis.variables.values() for variable in found]
    return MacroText(template, frozenset(map(_path, segments)))


def tried(text: MacroText) -> None:
    """Fill in every place once, in whatever branch it stands.

    Raises:
        MacroFlaw: a filter is given too little, too much, or what it cannot use.
    """
    samples: dict[str, Any] = {}
    for path in text.paths:
        inner = samples
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = _SAMPLE
    context = RenderContext(text.template, globals=samples)
    try:
        for output in _outputs(text.template.nodes, context):
            output.expression.evaluate(context)
    except (LiquidError, OverflowError) as error:
        raise MacroFlaw(_reason(error)) from error


def _outputs(nodes: Iterable[Node], context: RenderContext) -> Iterator[OutputNode]:
    for node in nodes:
        if isinstance(node, OutputNode):
            yield node
        yield from _outputs(node.children(context), context)


def _check_markups(text: str) -> None:
    """Refuse what the parser would read in more than linear time, and tags that are not ours."""
    for count, (kind, inside) in enumerate(_markups(text), start=1):
        _check_markup(kind, inside)
        if count > MAX_MARKUPS:
            raise MacroFlaw(f"too much to fill in: a text may have {MAX_MARKUPS} places")


def _markups(text: str) -> Iterator[tuple[str, str]]:
    """What opens each place, and what stands in it."""
    opening: re.Match[str] | None = None
    for delimiter in _DELIMITER.finditer(text):
        if opening is None and delimiter.group() in _CLOSING:
            opening = delimiter
        elif opening is not None and delimiter.group() == _CLOSING[opening.group()]:
            yield opening.group(), text[opening.end() : delimiter.start()]
            opening = None
        else:
            raise MacroFlaw(_UNPAIRED)
    if opening is not None:
        raise MacroFlaw(_UNPAIRED)


def _check_markup(kind: str, inside: str) -> None:
    if len(inside) > MAX_MARKUP_CHARACTERS:
        raise MacroFlaw(f"{inside.strip()[:50]!r}… is too long: {MAX_MARKUP_CHARACTERS} characters between braces")
    tag = _TAG_NAME.match(inside)
    if kind == "{%" and tag is not None and tag[1] not in TAGS:
        raise MacroFlaw(f"unknown tag {tag[1]!r}; known are {', '.join(TAGS)}")


def _path(segments: list[Any]) -> tuple[str, ...]:
    for segment in segments:
        if not isinstance(segment, str):
            raise MacroFlaw(f"{str(segments[0])[:100]}[…]: a variable is named, never looked up or counted")
    return tuple(segments)


def _culprit(text: str) -> str:
    """Which place cannot be read on its own: not every error of the library says where it is."""
    for kind, inside in _markups(text):
        try:
            _TEXT.from_string(f"{{{{{inside}}}}}" if kind == "{{" else "")
        except (LiquidError, RecursionError):
            return f", in {{{{{inside}}}}}"
    return ""


def _reason(error: Exception) -> str:
    """What the library says, with the line it is about."""
    if not isinstance(error, LiquidError):
        return "too deep, or a number too large"
    said = str(error.message or type(error).__name__)[:200]
    if error.token is None or error.token.start_index < 0:
        return said
    return f"line {error.token.source.count(chr(10), 0, error.token.start_index) + 1}: {said}"
