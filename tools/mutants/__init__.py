"""Mutation testing of what decides: a sample of small faults, each put to the tests.

A fault that no test notices (a survivor) is a decision that nobody asked about. The pure packages
that decide are mutated, and their unit tests asked, in a process for each fault. Ours, and not a
library: mutmut 3 knows modules by their path below the repository, and here they are below a
source root of another name; cosmic-ray starts an interpreter and all imports for each fault.

In reading order:

* ``mutations``: the table of faults, and where a text has them;
* ``trial``: one fault put to the tests;
* ``explained``: survivors that are no fault, each with the reason.
"""
