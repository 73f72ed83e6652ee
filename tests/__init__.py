"""The project's tests: `unit` needs nothing but Python, `e2e` needs a real control plane."""
