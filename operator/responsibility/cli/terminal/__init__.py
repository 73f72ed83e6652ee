"""The terminal: ``errors`` and exit codes, ``output`` as tables and JSON, ``progress``.

``slim_imports`` is here since what it saves is a person's waiting.
"""
