"""What happens as it happens, and who is looking (L6)."""
