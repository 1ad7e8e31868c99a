"""How fast phrasepix is beside others, in one run: `python -m benchmarks.speed`."""
