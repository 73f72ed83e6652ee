"""The page, as the operator serves it."""
