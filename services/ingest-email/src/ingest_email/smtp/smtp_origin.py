"""From whom a relay took a mail, as Postfix tells it before the mail: the XFORWARD extension. Pure.

https://www.postfix.org/XFORWARD_README.html
"""

import re
from ipaddress import ip_address

_ADDRESS = re.compile(r"(?:^|\s)ADDR=(?:IPV6:)?([0-9a-f.:]{2,45})(?:$|\s)", re.IGNORECASE)


def origin_in(attributes: str) -> str | None:
    """The address among `NAME=… ADDR=192.0.2.1 …`; None where it is not told, or is none (`[UNAVAILABLE]`)."""
    found = _ADDRESS.search(attributes)
    try:
        return str(ip_address(found[1])) if found else None
    except ValueError:
        return None
