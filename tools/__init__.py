"""What generates pages about things that are not part of the operator."""
