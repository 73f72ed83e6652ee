"""Stages: how far each item is enforced on each hub, and what keeps it from going further."""
