"""Fixtures for tests."""
