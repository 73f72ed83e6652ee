"""The terminal: what a person reads there, and waits for.

In reading order:

* ``output``: answers as tables, JSON, YAML and templates;
* ``jsonpath``: templates of kubectl's;
* ``watch``: news of an answer that is given again and again;
* ``errors``: errors in words, and the exit codes;
* ``confirmation``: a question before something is changed;
* ``progress``: a progress bar for what takes a while;
* ``slim_imports``: the half of the Kubernetes client that is needed: what it saves is a person's
  waiting.
"""
