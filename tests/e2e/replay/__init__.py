"""Audit logs of real requests, replayed and compared with what the API server noted."""
