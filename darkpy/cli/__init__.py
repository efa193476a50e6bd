"""The command ``darkpy``: one file for each subcommand, a thin layer over the other packages.

Every file in this folder with a function ``register(commands)`` is a command; there is no list to
edit.
"""
