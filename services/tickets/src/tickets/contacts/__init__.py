"""Customers: what is known of them, from whom, and what to expect (V3)."""
