"""The HTTP surface that every service shares: problems, pages, limits, idempotency, health."""
