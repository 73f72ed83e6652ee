"""The operator that carries out approved plans, and what stops it half way."""
