"""Handing an item over to another party, step by step."""
