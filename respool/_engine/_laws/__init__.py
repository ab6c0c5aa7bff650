"""The laws of elasticity, one module each.

Every law is plain arithmetic over what it was told: no clock, no lock, no thread, no random source of its own
(``now`` and draws are passed in), so that the engine, the simulator and the tests run the very same code.
"""
