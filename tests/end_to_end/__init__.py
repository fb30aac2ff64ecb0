"""Tests of the whole system from outside: sockets, HTTP, websockets and SMTP, and nothing of its insides."""
