"""Ways and powers, one statement each, and the laws of the search."""
