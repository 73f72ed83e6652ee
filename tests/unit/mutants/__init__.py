"""The tool that puts small faults to the tests."""
