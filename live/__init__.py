"""A real Crossplane, a real provider-kubernetes and a Space that behaves like one, as plain processes on loopback.

`world` brings it up, `standins` is what is not real, `test_*` is what must hold in it. See CONTRIBUTING.md.
"""
