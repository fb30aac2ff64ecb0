"""Twilio's side: signed webhooks in, and what its REST API answers.

https://www.twilio.com/docs/usage/security#validating-requests
"""

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Mapping

import httpx

from end_to_end.http_peer import Request

ACCOUNT_SID = "AC0123456789abcdef0123456789abcdef"
AUTH_TOKEN = "a-token-of-the-tests"

UNREACHABLE = "+12025559999"
"""A number that the simulated API refuses to send to."""

_numbers = itertools.count(1)


def new_sid() -> str:
    """A SID that no message had before."""
    return f"SM{next(_numbers):032x}"


def signature(url: str, form: Mapping[str, str], token: str = AUTH_TOKEN) -> str:
    """What Twilio sends as X-Twilio-Signature."""
    signed = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def call(client: httpx.Client, url: str, form: Mapping[str, str], *, token: str = AUTH_TOKEN) -> httpx.Response:
    """A webhook, signed."""
    return client.post(url, data=dict(form), headers={"X-Twilio-Signature": signature(url, form, token)})


def inbound_form(sender: str, recipient: str, text: str, sid: str) -> dict[str, str]:
    """The fields of an inbound SMS."""
    return {
        "MessageSid": sid,
        "SmsSid": sid,
        "AccountSid": ACCOUNT_SID,
        "From": sender,
        "To": recipient,
        "Body": text,
        "NumMedia": "0",
        "NumSegments": "1",
    }


def rest_api(request: Request) -> tuple[int, bytes]:
    """What `POST /2010-04-01/Accounts/{sid}/Messages.json` answers."""
    if request.form["To"] == UNREACHABLE:
        return 400, json.dumps({"code": 21211, "message": "Invalid 'To' Phone Number", "status": 400}).encode()
    return 201, json.dumps({"sid": new_sid(), "status": "queued"}).encode()
