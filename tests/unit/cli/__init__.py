"""The command line, held against files."""
