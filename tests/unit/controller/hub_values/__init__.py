"""Tests of the looking at hubs' values."""
