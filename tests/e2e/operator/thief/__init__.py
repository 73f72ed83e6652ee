"""What a thief with the operator's token can do, in each of its modes."""
