"""Results of an assessment: findings, the states of items, and all of it together."""
