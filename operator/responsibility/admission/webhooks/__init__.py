"""Decisions about one admission request, as the webhooks take them."""
