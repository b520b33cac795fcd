"""A Crossplane composition function that turns one UpboundEnvironment into Upbound control planes.

Modules import downwards only; import-linter holds this picture against the code::

    main, cli -> server, render -> fn -> compose, status -> removal -> lifecycle -> resources.*
        -> kube, observed, desired -> names, readiness -> model

gRPC and protobuf stop at ``fn``; pydantic stops at ``model``. Below ``fn`` nothing does I/O, reads a
clock or the environment, or logs: the same request always gives the same response.
"""
