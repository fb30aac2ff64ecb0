"""The URL of a Kafka cluster: which servers, how to be let in, and how many copies its topics have. Pure."""

import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_MECHANISMS = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}
_OPTIONS = {"security", "mechanism", "replication", "ca"}
_MOST_REPLICAS = 15


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """What `kafka://[user:password@]host:port[,host:port…][?security=…&mechanism=…&replication=3&ca=…]` says.

    `replication` is None where the URL leaves it open: three copies then, or as many as there are brokers.
    """

    servers: tuple[str, ...]
    security: BaseSecurity = field(repr=False)
    replication: int | None = None

    @classmethod
    def parse(cls, url: str) -> "KafkaAddress":
        """Read a URL; with a user it means SASL_SSL and SCRAM-SHA-512 unless it says otherwise.

        Raises:
            ValueError: it is none; the message leaves out the password.
        """
        parts = urlsplit(url)
        if parts.scheme != "kafka":
            raise ValueError("a Kafka URL begins with kafka://")
        credentials, _, places = parts.netloc.rpartition("@")
        servers = tuple(place for place in places.split(",") if place)
        if not servers or any(not _is_place(place) for place in servers):
            raise ValueError("a Kafka URL names its servers as host:port[,host:port…]")
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
        if unknown := options.keys() - _OPTIONS:
            raise ValueError(f"a Kafka URL has no option {', '.join(sorted(unknown))}")
        return cls(servers, _security(credentials, options), _replication(options.get("replication")))

    def client_options(self) -> dict[str, Any]:
        """What every client of aiokafka is given."""
        return {"bootstrap_servers": list(self.servers), **parse_security(self.security)}


def _is_place(place: str) -> bool:
    host, _, port = place.rpartition(":")
    return bool(host) and port.isascii() and port.isdigit()


def _security(credentials: str, options: dict[str, str]) -> BaseSecurity:
    protocol = options.get("security", "SASL_SSL" if credentials else "PLAINTEXT")
    if protocol not in _PROTOCOLS:
        raise ValueError(f"security is one of {', '.join(_PROTOCOLS)}")
    if protocol.startswith("SASL") != bool(credentials):
        raise ValueError(f"security={protocol} and the URL's user do not go together")
    encrypts = protocol.endswith("SSL")
    if "ca" in options and not encrypts:
        raise ValueError(f"security={protocol} uses no certificates: leave out ca")
    context = _certificates(options.get("ca")) if encrypts else None
    if not credentials:
        if "mechanism" in options:
            raise ValueError("a mechanism needs a user")
        return BaseSecurity(ssl_context=context, use_ssl=encrypts)
    mechanism = options.get("mechanism", "SCRAM-SHA-512")
    if mechanism not in _MECHANISMS:
        raise ValueError(f"mechanism is one of {', '.join(_MECHANISMS)}")
    user, _, password = credentials.partition(":")
    return _MECHANISMS[mechanism](unquote(user), unquote(password), ssl_context=context, use_ssl=encrypts)


def _certificates(file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=file)
    except OSError as error:
        raise ValueError(f"ca={file} cannot be used: {error.strerror}") from error


def _replication(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _MOST_REPLICAS:
        raise ValueError(f"replication is a number from 1 to {_MOST_REPLICAS}")
    return int(text)
