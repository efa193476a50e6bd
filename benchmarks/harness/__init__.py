"""What the benchmarks share: workers, rounds, tables, and the files that every contender reads."""
