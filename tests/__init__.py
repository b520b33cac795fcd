"""Tests: cases as data, laws as properties, and the program as its users meet it."""
