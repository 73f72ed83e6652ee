"""Audit logs, replayed."""
