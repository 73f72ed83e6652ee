"""The operator proper: what it reads, decides and publishes."""
