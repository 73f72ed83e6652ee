"""Terms: what was agreed, by whom, for whom and until when."""
