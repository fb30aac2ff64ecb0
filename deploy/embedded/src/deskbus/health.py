"""Whether the process on this machine is ready, asked by `deskbus health` and every few seconds by container engines.

`python3 -m deskbus.health PORT` imports next to nothing: a start of the whole command costs as much as many messages.
"""

import sys
from http.client import HTTPConnection, HTTPException

_ANSWER_SECONDS = 4.0
_OK = 200


def is_ready(port: int) -> bool:
    """What `/readyz` answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == _OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_ready(int(sys.argv[1])) else 1)
