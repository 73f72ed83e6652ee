"""The policies' answers to requests that an audit log remembers.

The policies' own expressions are evaluated, so there is no second opinion about who may do what.

In reading order:

* ``log_forms``: forms in which clouds hand out logs, and the events in them;
* ``audit_event``: a request as admission saw it, out of the log;
* ``object_store``: objects as they were before it;
* ``cel``: an evaluator of the policies' expressions;
* ``policies``: policies and bindings, matched with requests;
* ``stages_at``: stages that would be in force if records were followed;
* ``evaluate``: the answer to one request;
* ``tally``: counts of the answers.
"""
