"""The page in a hub, with a real JupyterHub."""
