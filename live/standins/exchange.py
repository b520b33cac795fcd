"""auth.upbound.io's token exchange, and the proxy by which a process that believes in that name gets to it."""

import secrets
import select
import socket
from http import HTTPStatus
from urllib.parse import parse_qs

from live.standins.config import ROBOT_TOKEN, Config, State
from live.standins.web import Handler

HOST = "auth.upbound.io"
_TTL_SECONDS = 3600


def exchange(config: Config, state: State) -> type[Handler]:
    """The exchange of a user's or robot's token for one of an organization (provider-kubernetes pkg/kube/client/upbound)."""

    class Exchange(Handler):
        def do_POST(self) -> None:  # noqa: N802  # The name of http.server.
            form = parse_qs(self.body().decode())
            given = {k: v[0] for k, v in form.items()}
            organization = given.get("scope", "").removeprefix("upbound:org:")
            understood = (
                self.path == "/apis/tokenexchange.upbound.io/v1alpha1/orgscopedtokens"
                and self.headers.get("Host") == HOST
                and given.get("grant_type") == "urn:ietf:params:oauth:grant-type:token-exchange"
                and given.get("subject_token_type") == "urn:ietf:params:oauth:token-type:id_token"
                and form.get("audience") == ["upbound:spaces:api", "upbound:spaces:controlplanes"]
                and bool(organization)
            )
            user = self.bearer() in config.user_tokens or self.bearer().startswith(ROBOT_TOKEN)
            known = user and self.bearer() == given.get("subject_token") and not state.fault.get("reject")
            code = HTTPStatus.OK if understood and known else HTTPStatus.UNAUTHORIZED if understood else HTTPStatus.BAD_REQUEST
            state.note(at="exchange", organization=organization, code=code)
            if code != HTTPStatus.OK:
                self.refuse(code, "Unauthorized", "bad token exchange")
                return
            token = f"organization-token-{secrets.token_hex(8)}"
            state.issue(token, organization)
            kind = "urn:ietf:params:oauth:token-type:access_token"
            self.answer(code, {"access_token": token, "issued_token_type": kind, "token_type": "Bearer", "expires_in": _TTL_SECONDS})

    return Exchange


def proxy(config: Config, state: State) -> type[Handler]:
    """A proxy that lets through to the exchange, and nowhere else."""

    class Proxy(Handler):
        def do_CONNECT(self) -> None:  # noqa: N802  # The name of http.server.
            allowed = self.path == f"{HOST}:443"
            state.note(at="proxy", path=self.path, code=200 if allowed else 403)
            if not allowed:
                self.refuse(HTTPStatus.FORBIDDEN, "Forbidden", f"only {HOST}")
                return
            with socket.create_connection(("127.0.0.1", config.exchange), 5) as upstream:
                self.send_response(HTTPStatus.OK, "Connection established")
                self.end_headers()
                self.close_connection = True
                _pump(self.connection, upstream)

    return Proxy


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes both ways until either side ends."""
    to = {one: other, other: one}
    while ready := select.select(list(to), [], [], 120)[0]:
        for side in ready:
            data = side.recv(65536)
            if not data:
                return
            to[side].sendall(data)
