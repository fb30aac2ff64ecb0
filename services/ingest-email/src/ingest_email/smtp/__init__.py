"""Mail by SMTP: the door, its sessions, and whom it lets in."""
