"""Admission policies, rendered from a model: ValidatingAdmissionPolicies and their CEL."""
