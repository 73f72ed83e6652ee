"""Tests of what Helm deployed and what is there."""
