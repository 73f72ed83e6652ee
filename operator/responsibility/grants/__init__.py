"""RBAC that the operator grants for items: roles, the bindings to them, and what differs."""
