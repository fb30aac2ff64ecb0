"""What the HTTP side of a service counts."""

from prometheus_client import CollectorRegistry, Counter, Histogram

_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class HttpMetrics:
    """Requests and their duration by route template, so that no label holds an id or comes from a caller."""

    def __init__(self, registry: CollectorRegistry, service: str) -> None:
        self._service = service
        self._requests = Counter(
            "deskbus_http_requests",
            "Requests answered.",
            ("service", "method", "route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "deskbus_http_request_seconds",
            "Time until the whole answer was sent.",
            ("service", "method", "route"),
            buckets=_BUCKETS,
            registry=registry,
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request has been answered."""
        known = method if method in _METHODS else "other"
        self._requests.labels(self._service, known, route, str(status)).inc()
        self._seconds.labels(self._service, known, route).observe(seconds)
