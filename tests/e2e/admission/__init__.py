"""Admission as it is: the rendered policies on a real API server, asked by people of every role."""
