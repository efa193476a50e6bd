"""The engine that networks run on: the C core, its memory, and programs of calls into it.

`darkpy.engine` is private; users call `darkpy.kernels`.
"""
