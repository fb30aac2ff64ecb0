"""HTML of strangers: what an agent's browser may get (S4)."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_email.parsing.sanitise import MAX_HTML_CHARACTERS, MAX_NESTING, nesting, sanitise

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src='https://tracker.example/p.gif'>",
    "<img srcset='https://tracker.example/p.gif 1x' src='data:image/svg+xml,<svg onload=alert(1)>'>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href=' data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='/v1/sessions'>x</a>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>",
    "<p style='background:url(https://tracker.example)'>x</p>",
    "<p style='background-image:\\75rl(https://tracker.example)'>x</p>",
    "<p style='color:red;background-color:url(https://tracker.example)'>x</p>",
    "<table background='https://tracker.example'><tr><td>x</td></tr></table>",
    "<body background='https://tracker.example' onload=alert(1)>x</body>",
    "<style>@import 'https://tracker.example';</style>",
    "<link rel=stylesheet href='https://tracker.example'>",
    "<base href='https://evil.example'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<form action='https://evil.example'><input name=password></form>",
    "<iframe src='https://evil.example'></iframe><object data='https://evil.example'></object>",
    "<video poster='https://tracker.example'><source src='https://tracker.example'></video>",
    "<a ping='https://tracker.example' href='https://ok.example'>x</a>",
    "<noscript><p id='</noscript><img src=x onerror=alert(1)>'></noscript>",
]
RUNS = {"script", "style", "svg", "math", "iframe", "object", "form", "input", "link", "meta", "base", "video"}


class _Inspection(HTMLParser):
    """What a browser would find: elements and attributes that could run or fetch something."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.findings: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Judge one element."""
        for name, value in attrs:
            self._judge(tag, name, (value or "").strip().lower())
        if tag in RUNS:
            self.findings.append(tag)

    def _judge(self, tag: str, name: str, value: str) -> None:
        is_harmless = {
            "href": value.startswith(("https:", "http:", "mailto:", "tel:")),
            "src": tag == "img" and value.startswith(("cid:", "remote:https://", "remote:http://")),
            "style": not re.search(r"url|@|\\\\|image", value),
        }.get(name, name in {"title", "rel", "target", "alt", "colspan"})
        if not is_harmless:
            self.findings.append(f"{tag} {name}={value}")


@pytest.mark.parametrize("html", HOSTILE)
def test_nothing_runs_and_nothing_is_fetched(html: str) -> None:
    """No script, no handler, no frame, no remote picture, no style that names an address."""
    clean = sanitise(f"<p>before</p>{html}<p>after</p>")

    assert _Inspection(html).findings != []
    assert clean is not None
    assert _Inspection(clean).findings == []


def test_what_mail_needs_is_kept() -> None:
    """Structure, colours, inline pictures and links of mail survive; links tell nobody where they were clicked."""
    clean = sanitise(
        '<h1>Hi</h1><p style="color: rgb(1, 2, 3); font-weight: bold">x<br>y</p><img src="cid:logo@x" alt="logo">'
        '<a href="https://shop.example/a?b=c&amp;d=e" target="_self">shop</a>'
        '<table><tr><td colspan="2">z</td></tr></table>'
    )

    assert clean is not None
    assert "<h1>Hi</h1>" in clean
    assert "rgb(1, 2, 3)" in clean.replace("rgb(1,2,3)", "rgb(1, 2, 3)")
    assert '<img src="cid:logo@x" alt="logo">' in clean
    assert 'href="https://shop.example/a?b=c&amp;d=e"' in clean
    assert 'rel="noopener noreferrer"' in clean
    assert 'target="_blank"' in clean
    assert '<td colspan="2">z</td>' in clean


@pytest.mark.parametrize(
    ("src", "kept"),
    [
        ("https://shop.example/a.png?b=1&amp;c=2", "remote:https://shop.example/a.png?b=1&amp;c=2"),
        (" HTTP://shop.example/a.png ", "remote:HTTP://shop.example/a.png"),
        ("//shop.example/a.png", None),
        ("/v1/agents/me", None),
        ("remote:https://shop.example/a.png", None),
        ("https://shop.example/a b.png", None),
        ("https://shop.example/" + "a" * 2048, None),
        ("data:image/png;base64,AAAA", None),
        ("file:///etc/passwd", None),
    ],
)
def test_remote_pictures_are_named_in_a_way_that_fetches_nothing(src: str, kept: str | None) -> None:
    """A picture elsewhere keeps its address under a scheme of ours, so that an agent can ask for it (X6, S4)."""
    clean = sanitise(f'<img src="{src}" alt="x">')

    assert clean == (f'<img src="{kept}" alt="x">' if kept else '<img alt="x">')


@given(
    st.lists(
        st.sampled_from([*HOSTILE, "<p>", "</p>", "<b>", "</b>", "<!--", "-->", "<![CDATA[", "]]>", "<", "x"]),
        max_size=12,
    )
)
def test_no_combination_gets_through(pieces: list[str]) -> None:
    """Pieces of attacks next to each other are no better than each alone."""
    clean = sanitise("".join(pieces))

    assert clean is not None
    assert _Inspection(clean).findings == []


@pytest.mark.parametrize(
    "html", ["<div>" * (MAX_NESTING + 1), "<b>x" * (MAX_NESTING + 1), "x" * (MAX_HTML_CHARACTERS + 1)], ids=str.__len__
)
def test_input_over_the_limits_is_not_even_tried(html: str) -> None:
    """The cleaner takes time with the square of the nesting: deeper input is left out."""
    assert sanitise(html) is None


def test_nesting_counts_what_really_nests() -> None:
    """Unclosed paragraphs, cells and items follow each other; divisions stand in each other."""
    assert nesting("<p>a<p>b<p>c<li>d<li>e<td>f<br>") == 0
    assert nesting("<div><span><b></b></span></div><div></div>") == 3
