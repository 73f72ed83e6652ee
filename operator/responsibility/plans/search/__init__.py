"""The search for the smallest change that ends excess rights."""
