"""The people of an account: agents, accounts, who works here and who is online."""
