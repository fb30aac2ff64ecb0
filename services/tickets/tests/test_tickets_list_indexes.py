"""Every list of tickets and of saved views is led by a declared index, whatever it is asked for (V1)."""

from typing import Any, get_args

import pytest

from service_kit.docstore import All, Eq, In, Sort
from service_kit.docstore.fields import IndexedFields
from service_kit.docstore.planning import require_index
from tickets.lists.saved_views import SAVED_VIEWS
from tickets.ticket.model import TICKETS
from tickets.ticket.ticket_store import SortField, TicketQuery

ASKED: list[dict[str, Any]] = [
    {},
    {"status": "open"},
    {"assignee_id": "agt_1"},
    {"unassigned": True, "status": "open"},
    {"team_id": "tea_1"},
    {"channel": "sms"},
    {"tag": "late"},
    {"priority": "urgent"},
    {"contact_id": "con_1"},
    {"text": "kettle"},
    {"text": "#12"},
    {"custom": (("reason", "damaged"), ("refund", "12.5"))},
]


@pytest.mark.parametrize("sort", get_args(SortField))
@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: "+".join(asked) or "all")
def test_every_list_is_led_by_an_index(asked: dict[str, Any], sort: SortField) -> None:
    """The store refuses what no index leads: nothing that a list may be asked is refused."""
    require_index(IndexedFields(TICKETS), TicketQuery("acc_1", **asked).where, Sort(sort))


@pytest.mark.parametrize("sort", get_args(SortField))
def test_open_tickets_come_in_order(sort: SortField) -> None:
    """What agents look at all day is read in the order of an index, and never sorted."""
    in_order = [index.fields for index in TICKETS.indexes]

    assert ("account_id", "hidden", "status", sort) in in_order


def test_saved_views_come_in_order() -> None:
    """Views are found by who may see them, by name."""
    where = All(Eq("account_id", "acc_1"), In("audience", ("*", "agt_1")))
    require_index(IndexedFields(SAVED_VIEWS), where, Sort("sort_name"))

    assert ("account_id", "audience", "sort_name") in [index.fields for index in SAVED_VIEWS.indexes]
