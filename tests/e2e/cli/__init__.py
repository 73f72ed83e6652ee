"""The command line on a real cluster: held against kubectl, and tried as its help says."""
