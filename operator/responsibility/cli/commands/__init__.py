"""One module a command: what it asks of the world, and how it shows the answer."""
