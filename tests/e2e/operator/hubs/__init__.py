"""The operator that looks inside hubs: their admins, what is set there, and changes of that."""
