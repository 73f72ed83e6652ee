"""What the policies, roles and grants look like that a model and a record become."""
