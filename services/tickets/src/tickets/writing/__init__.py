"""What agents and Deskbus say in a ticket, and what became of it."""
