"""An evaluator of the CEL that the policies are written in, with unknowns."""
