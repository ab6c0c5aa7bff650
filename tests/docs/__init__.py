"""The documentation as tests."""
