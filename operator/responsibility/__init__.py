"""Ownership of the actions on a JupyterHub: recorded, shown, checked and enforced.

``docs/architecture.md`` says which package does what and which may import which.
"""
