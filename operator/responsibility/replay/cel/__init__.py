"""An evaluator of the CEL that the policies are written in, with unknowns.

In reading order:

* ``parser``: expressions as trees of plain tuples;
* ``unknown``: results besides a value: errors, and what nobody can know;
* ``functions``: the functions that policies use;
* ``nodes``: one function for each kind of node;
* ``program``: compiled expressions, with the variables they share.
"""
