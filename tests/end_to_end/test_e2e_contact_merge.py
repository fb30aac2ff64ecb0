"""Customers who are known twice, and what is known of one."""

from end_to_end.company import Company, new_phone
from end_to_end.until import until


def test_two_contacts_become_one_and_two_again(shared_company: Company) -> None:
    """A customer of mail and SMS is one contact after a merge, with one SMS thread, and two after it is undone (V3)."""
    company, number = shared_company, shared_company.use_number()
    address, phone = company.customer(), new_phone()
    by_mail = company.opened_by_mail(address)
    by_phone = company.ticket_of(company.sms(phone, number, "It is me"))
    source, target = by_phone["contact"]["id"], by_mail["contact"]["id"]
    company.owner.post(f"/v1/contacts/{source}/merge", {"into": target})
    company.report("support.contact.updated.v1", contact={"phone": phone}, segments=["vip"])
    whole = until(lambda: now if (now := company.owner.get(f"/v1/contacts/{source}"))["segments"] else None)
    again = company.verdict(company.sms(phone, number, "Me again"))
    listed = company.owner.get("/v1/tickets", contact=target, status="any")["items"]
    shown = company.ticket(by_phone["id"])
    undone = company.owner.post(f"/v1/contacts/{source}/unmerge")
    alone = company.owner.get(f"/v1/contacts/{target}")

    assert (whole["id"], whole["merged_into"], whole["merged"]) == (target, target, [source])
    assert (whole["emails"], whole["phones"], whole["segments"]) == ([address], [phone], ["vip"])
    assert again["ticket_id"] == by_phone["id"]
    assert {ticket["id"] for ticket in listed} == {by_mail["id"], by_phone["id"]}
    assert (shown["contact"]["id"], shown["contact_tickets"]["count"]) == (target, 2)
    assert (undone["id"], undone["phones"], undone["segments"]) == (source, [phone], ["vip"])
    assert (alone["emails"], alone["phones"], alone["segments"]) == ([address], [], [])


def test_a_shop_tells_of_orders(shared_company: Company) -> None:
    """What a shop reports is in the profile: orders, their metric, and what to expect after which model (V3)."""
    company, address = shared_company, shared_company.customer()
    contact = company.opened_by_mail(address)["contact"]["id"]
    for month in (7, 8, 9, 10):
        company.report(
            "support.contact.event_recorded.v1",
            contact={"email": address},
            metric="Placed Order",
            at=f"2026-{month:02}-01T10:00:00Z",
            properties={"OrderId": f"o{month}", "$value": 25.5, "value_currency": "EUR", "Items": []},
        )

    def look() -> object:
        found = company.owner.get(f"/v1/contacts/{contact}/profile")
        return found if found["orders"]["count"] == 4 else None

    profile = until(look)
    metrics = company.owner.get(f"/v1/contacts/{contact}/metrics")["items"]

    assert (profile["orders"]["value"], profile["orders"]["currency"]) == (102.0, "EUR")
    assert [(one["metric"], one["count"]) for one in metrics] == [("Placed Order", 4)]
    assert profile["forecast"]["model"] == "bg_nbd+gamma_gamma/cdnow"
    assert profile["forecast"]["lifetime_value"] > 102
