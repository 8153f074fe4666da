"""What comes from outside: how much of it is read, and what of it is never repeated."""
