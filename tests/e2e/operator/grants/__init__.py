"""The operator that grants: bindings for owners and delegates, repaired, handed over and ended."""
