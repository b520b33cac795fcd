"""HTTP servers on loopback, with what the stand-ins have in common."""

import json
import socket
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from live.pki import Pair


class Handler(BaseHTTPRequestHandler):
    """A handler that reads whole bodies and answers as Kubernetes does."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing: the audit log has it."""

    def body(self) -> bytes:
        """The request's body."""
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        out = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            out += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return out

    def bearer(self) -> str:
        """The token that the client sent."""
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ")

    def answer(self, code: int, body: Any, content: str = "application/json") -> None:  # noqa: ANN401  # Any JSON value, or bytes.
        """Send a response."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", content)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def refuse(self, code: int, reason: str, message: str) -> None:
        """Send a Kubernetes Status."""
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message}
        self.answer(code, {**status, "reason": reason, "code": code})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    tls: ssl.SSLContext | None = None

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The handshake is made in the handler's thread, or one slow client would hold up all.
        return (self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) if self.tls else connection), address

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # The signature of socketserver.
        if not isinstance(sys.exception(), (ConnectionError, ssl.SSLError, TimeoutError)):
            super().handle_error(request, client_address)


def serve(handler: type[BaseHTTPRequestHandler], port: int, certificate: Pair | None) -> None:
    """Serve on 127.0.0.1 in a thread of its own."""
    server = _Server(("127.0.0.1", port), handler)
    if certificate:
        server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.tls.load_cert_chain(certificate.crt, certificate.key)
    threading.Thread(target=server.serve_forever, daemon=True).start()
