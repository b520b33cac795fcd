"""A function that adds nothing to what the functions before it want: `python -m live.standins.nothing ADDRESS CERTIFICATES`."""

import asyncio
import sys

import grpc
from crossplane.function import response, runtime
from crossplane.function.proto.v1 import run_function_pb2 as fnv1
from crossplane.function.proto.v1 import run_function_pb2_grpc as grpcv1


class Nothing(grpcv1.FunctionRunnerServiceServicer):
    """Serves RunFunction."""

    async def RunFunction(self, req: fnv1.RunFunctionRequest, _: object) -> fnv1.RunFunctionResponse:  # noqa: N802  # gRPC requires this name.
        """What was wanted before is what is wanted."""
        return response.to(req)


async def _serve(address: str, certificates: str) -> None:
    server = grpc.aio.server()
    grpcv1.add_FunctionRunnerServiceServicer_to_server(Nothing(), server)
    server.add_secure_port(address, runtime.load_credentials(certificates))
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
