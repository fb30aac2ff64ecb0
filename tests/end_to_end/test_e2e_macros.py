"""Macros and custom fields, as agents and customers see them."""

from end_to_end.company import Company
from end_to_end.until import until


def test_a_macro_answers_a_mail(company: Company) -> None:
    """The customer reads their own order in the mail, the ticket is tagged, given and closed, the use counts (N2)."""
    customer = company.customer("carla")
    agent = company.agent()
    ticket = company.opened_by_mail(customer, text="Where is my kettle?")
    company.report(
        "support.contact.event_recorded.v1",
        contact={"email": customer},
        metric="Placed Order",
        at="2026-11-01T12:00:00Z",
        properties={"order_id": "K-1 <b>&", "$value": 49.9},
    )
    macro = company.owner.post(
        "/v1/macros",
        {
            "name": "Sent",
            "text": "Order {{ order.number }} is on its way, says {{ agent.name }}.",
            "html": "<p>Order <i>{{ order.number }}</i> is on its way.</p>",
            "actions": {"add_tags": ["sent"], "assignee": "me", "status": "close"},
        },
    )
    preview = f"/v1/tickets/{ticket['id']}/macros/{macro['id']}/preview"
    shown = until(lambda: agent.api.post(preview) if agent.api.send("POST", preview).is_success else None)
    agent.api.post(f"/v1/tickets/{ticket['id']}/messages", {"macro_id": macro["id"]})
    mail = company.relay.wait_for(customer)[0]
    html = mail.get_body(("html",)).get_content()
    after = company.ticket(ticket["id"])
    counted = until(lambda: one if (one := company.owner.get(f"/v1/macros/{macro['id']}"))["times_used"] else None)

    assert shown["text"] == f"Order K-1 <b>& is on its way, says {agent.name}."
    assert shown["text"] in mail.get_body(("plain",)).get_content()
    assert "<i>K-1 &lt;b&gt;&amp;</i>" in html
    assert (after["status"], after["tags"], after["assignee"]["id"]) == ("closed", ["sent"], agent.id)
    assert (counted["times_used"], shown["changes"]) == (1, ["status", "assignee_id", "tags"])


def test_a_missing_variable_sends_nothing(company: Company) -> None:
    """The agent is told what has no value, and the customer hears nothing (N2)."""
    customer = company.customer()
    ticket = company.opened_by_mail(customer)
    macro = company.owner.post("/v1/macros", {"name": "n", "text": "{{ order.number }} {{ contact.phone }}"})
    refused = company.owner.refused("POST", f"/v1/tickets/{ticket['id']}/messages", {"macro_id": macro["id"]})

    assert (refused.status, refused.code) == (422, "missing_variables")
    assert refused.document["missing"] == ["contact.phone", "order.number"]
    assert len(company.messages(ticket["id"])) == 1


def test_tickets_by_custom_field(company: Company) -> None:
    """A typed field is defined, set, told of and listed by (L8)."""
    company.owner.post(
        "/v1/custom-fields",
        {"scope": "ticket", "key": "reason", "label": "Reason", "type": "choice", "options": ["late", "damaged"]},
    )
    late, other = company.opened_by_mail()["id"], company.opened_by_mail()["id"]
    company.owner.put(f"/v1/tickets/{late}/custom", {"values": {"reason": "late"}})
    company.owner.put(f"/v1/tickets/{other}/custom", {"values": {"reason": "damaged"}})
    wrong = company.owner.refused("PUT", f"/v1/tickets/{late}/custom", {"values": {"reason": "lost"}})
    listed = company.owner.ask("GET", "/v1/tickets", params={"custom.reason": "late"})["items"]
    told = [one for one in company.events(late) if one["type"].endswith("custom_fields_changed.v1")]

    assert [(ticket["id"], ticket["custom"]) for ticket in listed] == [(late, {"reason": "late"})]
    assert (wrong.status, wrong.code) == (422, "invalid_custom_values")
    assert [change["value"] for event in told for change in event["data"]["changes"]] == ["late"]
