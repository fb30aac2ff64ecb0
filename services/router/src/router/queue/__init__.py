"""The tickets that wait, and what has them looked at again."""
