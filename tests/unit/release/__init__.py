"""What a release is made of, without building one."""
