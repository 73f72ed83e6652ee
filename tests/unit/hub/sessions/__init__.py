"""What sessions of a hub run and may do."""
