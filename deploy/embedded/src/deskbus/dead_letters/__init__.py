"""`deskbus dead-letters`: what services set aside on the bus, looked at and put back."""
