"""Tests of `responsibility.ownership`, on small worlds that are made by hand or drawn at random."""
