"""Pictures that a customer's mail only names, from the mail to the agent who asks for them."""

from email.message import EmailMessage

from end_to_end.company import Company
from end_to_end.http_peer import HttpPeer

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def test_a_remote_picture_is_fetched_only_when_an_agent_asks(shared_company: Company) -> None:
    """Reading the thread asks the sender's server for nothing; the agent's request gets the picture (X6, S4)."""
    company = shared_company
    customer = company.customer()
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Message-ID"] = customer, company.support, f"<picture.{customer}>"
    with HttpPeer(lambda _: (200, PNG)) as web:
        mail.set_content(f'<p>Look</p><img src="{web.url}/pixel.png?a=1&amp;b=2">', subtype="html")
        company.deliver(customer, mail.as_bytes())
        ticket = company.ticket_of(f"picture.{customer}")
        (message,) = company.messages(ticket["id"])
        before = len(web.requests)
        path = f"/v1/tickets/{ticket['id']}/messages/{message['id']}/images"
        shown = company.owner.send("GET", path, params={"url": f"{web.url}/pixel.png?a=1&b=2"})

    assert f'src="remote:{web.url}/pixel.png?a=1&amp;b=2"' in message["html"]
    assert before == 0
    assert (shown.status_code, shown.headers["content-type"], shown.content) == (200, "image/png", PNG)
    assert [request.path for request in web.requests] == ["/pixel.png?a=1&b=2"]
