"""Generators of what is kept in the repository and made from the code."""
