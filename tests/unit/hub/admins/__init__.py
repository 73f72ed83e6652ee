"""Who administers a hub, by its own word."""
