"""The operator: the framework's handlers, the loop, and what it publishes."""
