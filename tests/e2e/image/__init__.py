"""The image: what its build script lays out, and how that starts where it is shipped to."""
