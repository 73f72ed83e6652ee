"""The operator that enforces: stages, policies, and what is proved of them."""
