"""Drafts of records."""
