"""Asking hubs who administers them: tokens, addresses, answers, and a real JupyterHub."""
