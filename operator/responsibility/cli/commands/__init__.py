"""One module a command: what it asks of the view, and how it shows the answer."""
