"""What is not real in the world: a Space's gateway, its controllers, and Upbound's token exchange.

They hold to what is known of a real Space and of auth.upbound.io; what is only assumed says so.
"""
