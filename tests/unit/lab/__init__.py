"""The lab itself, where no cluster is needed to try it."""
