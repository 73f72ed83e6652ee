"""Pure: what a model and a record become in the API server – policies, roles, grants.

It renders and compares; it imports neither kopf nor the Kubernetes client, and reads no clock.
"""
