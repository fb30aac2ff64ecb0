"""Reusable texts with variables and actions (N2)."""
