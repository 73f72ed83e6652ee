"""Tests of the two resources; ``samples`` and ``data`` are for other tests too."""
