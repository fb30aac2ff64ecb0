"""`deskbus check-config` and `deskbus doctor`: what is wrong, and what to do."""
