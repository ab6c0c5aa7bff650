"""The bench: what a lease costs beside every peer, `python -m tests.bench` or `tox -e bench`.

Times are compared only within one run, in interleaved rounds, as ratios to a reference measured in the same
round; nothing here asserts, and nothing here runs in the test suite.
"""
