"""What people type cannot end a mail on its way out, nor begin another (S4)."""

from email import message_from_bytes
from email.policy import default
from typing import Any

ENDS = ("\r\n.\r\n", "\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r\n.\r", "\n.\r", "\n..\n", "\n. \n")
HIDDEN = "MAIL FROM:<eve@evil.example>\nRCPT TO:<victim@evil.example>\nDATA\nSubject: smuggled\n\nHi\n.\n"


async def test_no_text_ends_the_mail_that_it_is_in(post_office: Any) -> None:
    """Every sequence that some server takes for the end of data arrives at a real one as text of one mail."""
    text = "".join(f"{number}{end}{HIDDEN}" for number, end in enumerate(ENDS))
    async with post_office() as office:
        await office.post("a", text=text, subject="Hi\r\n.\r\nQUIT")
        (report,) = await office.reports("a")

    [(recipients, content)] = office.relay.taken
    mail = message_from_bytes(content, policy=default)
    body = mail.get_body(("plain",))

    assert report.state == "sent"
    assert recipients == ["zoe@customer.example"]
    assert content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")
    assert body is not None
    assert content.count(b"\r\n.\r\n") >= len(ENDS)
    assert body.get_content().count("RCPT TO:<victim@evil.example>") == len(ENDS)
