"""Tests of looking at what was changed outside Helm."""
