"""One family of resources a module: a pure generator of Composed that looks like the YAML it becomes.

Families know the environment and what is observed. They do not know each other, nor whether what they
yield may exist yet: `after` and `needs` say that as data, and compose decides.
"""
