"""What a macro may say, and what it becomes (N2). Pure."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.directories import AgentEntry
from contracts.settings import AccountSettings
from tickets.contacts.contact_model import Contact, SaidAny
from tickets.contacts.contact_orders import Order, OrderItem
from tickets.macros.macro_language import FILTERS, MAX_MARKUPS, MacroFlaw, MissingVariables, read
from tickets.macros.macro_variables import (
    VARIABLES,
    MacroFacts,
    checked_html,
    checked_text,
    ticket_fields,
    values,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
KETTLE, CUP = OrderItem("Kettle", None, 1, None), OrderItem("Cup", None, 4, None)


def _contact(**given: Any) -> Contact:
    fields = {"id": "con_1", "account_id": "acc_1", "created_at": NOON, "updated_at": NOON}
    return Contact.model_validate({**fields, **given})


def _filled(source: str, facts: MacroFacts, *, is_html: bool = False) -> str:
    return read(source, is_html=is_html).rendered(values(facts))


@pytest.fixture
def facts(make_ticket: Any) -> MacroFacts:
    """Carl, who ordered a kettle late at night in Paris, and Ann, who answers."""
    return MacroFacts(
        ticket=make_ticket(number=7, tags=("vip", "late")),
        fields={"refund": 12.0, "due": "2026-12-24"},
        contact=_contact(
            name="Carl van Dyke",
            emails=("carl@customer.example",),
            custom={"size": SaidAny(value="XL", at=NOON), "odd": SaidAny(value={"a": 1}, at=NOON)},
        ),
        agent=AgentEntry(id="agt_1", name="Ann", email="ann@acme.example", role="support"),
        account=AccountSettings(name="Acme", zone="Europe/Paris"),
        order=Order("A-17", datetime(2026, 11, 19, 23, 30, tzinfo=UTC), 49.9, None, (KETTLE, CUP)),
    )


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hello {{ contact.name }}!", "Hello Carl van Dyke!"),
        ("{{contact.first_name|upcase}}", "CARL"),
        ("{{ contact.custom.size }} {{ contact.custom['size'] }}", "XL XL"),
        ("#{{ ticket.number }} {{ ticket.tags }} {{ ticket.custom.refund }}", "#7 vip, late 12"),
        ("{{ agent.name }}, {{ account.name }}", "Ann, Acme"),
        (
            "{{ order.number }}: {{ order.total }} ({{ order.items }}), {{ order.status }}",
            "A-17: 49.9 (Kettle, Cup), placed",
        ),
        ("{{ order.placed_at }} {{ order.placed_at | date: '%d/%m/%Y' }}", "2026-11-20 20/11/2026"),
        ("{{ ticket.custom.due | date: '%-d %B' }}", "24 December"),
        ("{{ contact.phone | default: 'none' }}", "none"),
        ("{{ contact.phone | prepend: 'tel ' | default: 'none' }}", "none"),
        ("{{ contact.phone | default: contact.email }}", "carl@customer.example"),
        ("{% if contact.phone %}{{ contact.phone }}{% else %}no phone{% endif %}", "no phone"),
        ("{% if ticket.tags contains 'vip' %}gold{% endif %}", "gold"),
        ("{% case ticket.channel %}{% when 'email' %}mail{% else %}other{% endcase %}", "mail"),
        ("{% unless order.currency %}soon{% endunless %}", "soon"),
        ("{ contact.nmae } }{", "{ contact.nmae } }{"),
    ],
)
def test_what_a_macro_becomes(facts: MacroFacts, source: str, text: str) -> None:
    """Variables are filled in from the ticket, its contact, who answers, the company and the newest order (N2)."""
    checked_text(source)

    assert _filled(source, facts) == text


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("{{ contact.phone }}", ("contact.phone",)),
        ("{{ contact.phone | upcase }} {{ order.currency }}", ("contact.phone", "order.currency")),
        ("{{ 'tel ' | append: contact.phone }}", ("contact.phone",)),
        ("{{ contact.custom.shoe }}", ("contact.custom.shoe",)),
        ("{{ contact.custom.odd }}", ("contact.custom.odd",)),
        ("{{ ticket.custom.size }}", ("ticket.custom.size",)),
        ("{% if contact.name %}{{ order.currency }}{% endif %}", ("order.currency",)),
        ("{{ contact.phone | default: order.currency }}", ("order.currency",)),
        ("{{ order.placed_at | date: contact.phone }}", ("contact.phone",)),
    ],
)
def test_a_missing_value_is_an_error_and_no_hole(facts: MacroFacts, source: str, missing: tuple[str, ...]) -> None:
    """Everything that would be shown and has no value is named at once (N2)."""
    checked_text(source)
    with pytest.raises(MissingVariables) as raised:
        _filled(source, facts)

    assert raised.value.names == missing


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("{{ contact.nmae }}", "contact.nmae"),
        ("{{ contact }}", "'contact'"),
        ("{{ contact.custom }}", "contact.custom"),
        ("{{ contact.__class__ }}", "__class__"),
        ("{{ contact.name.size }}", "contact.name.size"),
        ("{{ contact[ticket.channel] }}", "contact[…]"),
        ("{{ now }}", "now"),
        ("{% if contact.nmae %}x{% endif %}", "contact.nmae"),
        ("{{ contact.name | replace: 'a', 'aa' }}", "replace"),
        ("{{ contact.name | safe }}", "safe"),
        ("{% for tag in ticket.tags %}x{% endfor %}", "'for'"),
        ("{% assign x = 1 %}", "assign"),
        ("{% include 'x' %}", "include"),
        ("{% raw %}x{% endraw %}", "raw"),
        ("{% if contact.name %}x", "endif"),
        ("{% if contact.name %}x{% else %}y{% else %}z{% endif %}", "endif"),
        ("a\n\n{{ contact.name | }}", "in {{ contact.name | }}"),
        ("{{ contact.name | truncate: 'many' }}", "truncate"),
        ("{% if account.name %}{% else %}{{ contact.name | append }}{% endif %}", "append"),
        ("{{ order.placed_at | date: '%c' }}", "%c"),
        ("{{ contact.name", "}}"),
        ("contact.name }}", "}}"),
        ("{{ {{ contact.name }} }}", "}}"),
        ("{{ contact.name %}", "}}"),
        ("{{ " + "contact.name | upcase " * 20 + "}}", "300 characters"),
        ("{{ contact.name }}" * (MAX_MARKUPS + 1), "too much"),
        ("{% if account.name %}" * 20 + "{% endif %}" * 20, "nesting"),
    ],
)
@pytest.mark.parametrize("checked", [checked_text, checked_html])
def test_what_could_not_be_filled_in_is_refused(checked: Any, source: str, named: str) -> None:
    """An unknown variable, filter or tag, bad syntax, and what could run long are refused by name (N2, S4)."""
    with pytest.raises(MacroFlaw) as raised:
        checked(source)

    assert named in str(raised.value)


def test_values_never_become_markup(facts: MacroFacts) -> None:
    """What a customer is called is text in HTML, also behind filters; the macro's own markup stays (S4)."""
    hostile = replace(facts, contact=_contact(name="<img src=x onerror=alert(1)> & 'Bo'"), order=None)
    source = '<b>{{ contact.name }}</b>{{ contact.name | append: "<br>" }}{{ order.number | default: contact.name }}'
    html = _filled(source, hostile, is_html=True)

    assert html.startswith("<b>&lt;img src=x onerror=alert(1)&gt; &amp; &#39;Bo&#39;</b>")
    assert (html.count("<"), html.count("<br>"), "<img" in html) == (3, 1, False)


@pytest.mark.parametrize(
    ("html", "is_refused"),
    [
        ('<a href="{{ order.number }}">{{ contact.name }}</a>', False),
        ("<a title='{{ order.number }}' class=x>1 < 2, it's {{ contact.name }}</a>", False),
        ('<p>{{ contact.name | default: "<b>you</b>" }}</p>', False),
        ("<a href={{ order.number }}>x</a>", True),
        ("<a {{ order.number }}>x</a>", True),
        ("<{{ order.number }}>", True),
        ("</{{ order.number }}>", True),
        ('<a title="x" {% if account.name %}{{ order.number }}{% endif %}>', True),
    ],
)
def test_html_is_filled_in_where_escaping_holds(html: str, is_refused: bool) -> None:  # noqa: FBT001 - a table
    """Within a tag a value needs quotes, or a space would make it an attribute (S4)."""
    if not is_refused:
        assert checked_html(html) == html
        return

    with pytest.raises(MacroFlaw, match="without quotes"):
        checked_html(html)


def test_a_text_keeps_special_characters(facts: MacroFacts) -> None:
    """Plain text is nobody's markup: nothing in it is escaped."""
    odd = replace(facts, contact=_contact(name="<Bo> & Co"), order=None)

    assert _filled("{{ contact.name }}", odd) == "<Bo> & Co"


def test_values_are_not_read_as_macros(facts: MacroFacts) -> None:
    """Braces in a customer's name mean nothing (S4: template injection)."""
    sly = replace(facts, contact=_contact(name="{{ agent.email }}{% if %}"), order=None)

    assert _filled("{{ contact.name }}", sly) == "{{ agent.email }}{% if %}"


def test_what_becomes_too_long_is_refused(facts: MacroFacts) -> None:
    """A long value that is said often ends as an error, not as a message of megabytes (S4)."""
    wordy = _contact(custom={"life": SaidAny(value="x" * 16_000, at=NOON)})
    long = replace(facts, contact=wordy, order=None)

    with pytest.raises(MacroFlaw, match="limit"):
        _filled("{{ contact.custom.life }}" * 400, long)


@pytest.mark.parametrize(
    "source",
    [
        "{{ contact.name | upcase" + " " * 250 + "}}",
        "{{" + "(" * 290 + "}}",
        "{{" + "a[" * 145 + "}}",
        "{% if " + "contact.name or " * 18 + "contact.name %}x{% endif %}",
        "{{" * 9_999,
        "{% raw %}" * 2_200,
        "{" * 20_000,
        "{{ contact.name }}" * MAX_MARKUPS + " " * 10_000,
        ("{% if contact.name %}" * 9 + "{% endif %}" * 9) * 25,
    ],
)
def test_no_text_takes_long_to_judge(source: str) -> None:
    """Whatever somebody saves as a macro is judged within a blink (S4)."""
    began = time.process_time()
    for checked in (checked_text, checked_html):
        try:
            checked(source)
        except MacroFlaw:
            continue

    assert time.process_time() - began < 2


def test_the_table_is_what_is_known(facts: MacroFacts) -> None:
    """Every published variable may be said, and each has a value where there is one."""
    names = [name.replace("<key>", "size") for name in VARIABLES]
    for name in names:
        checked_text(f"{{{{ {name} }}}}")
    filled = values(facts)

    assert ticket_fields("{{ ticket.custom.b }}{% if ticket.custom.a %}{% endif %}") == {"a", "b"}
    assert {f"{group}.{name}" for group, found in filled.items() for name in found if name != "custom"} <= set(
        VARIABLES
    )


_PIECES = st.one_of(
    st.sampled_from(
        ["{{", "}}", "{%", "%}", "contact.name", "ticket.tags", "if ", "endif", " | ", "default", ": ", "'"]
    ),
    st.sampled_from(sorted(FILTERS)),
    st.text("ab .\n-[]()0129", max_size=5),
)


@settings(deadline=None)
@given(st.lists(_PIECES, max_size=30).map("".join))
def test_any_text_is_refused_or_filled_in(source: str) -> None:
    """What is accepted is kept as it is, and can be read again; nothing but a flaw is raised (N2, S4)."""
    try:
        kept = checked_text(source)
    except MacroFlaw:
        return

    assert kept == source
    assert read(kept).paths is not None
