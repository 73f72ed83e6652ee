"""Access: what subjects can do, or can obtain, beyond what they are entitled to."""
