"""Reviews of changes to files."""
