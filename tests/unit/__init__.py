"""Small facts, module by module."""
