"""Options that select."""
