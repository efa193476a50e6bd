"""The command ``darkpy``: one file a command, each a thin face of the public functions.

A file here with a function ``register(commands)`` is a command; there is no list to edit.
"""
