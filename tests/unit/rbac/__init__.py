"""Tests of `responsibility.rbac`, with a second opinion (`linear`) and random worlds."""
