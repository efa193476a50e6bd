"""Shared code of the benchmarks: workers, rounds, tables, and the files that contenders read."""
