"""A Space's gateway: what clients reach at the Space's host."""

import http.client
import re
import ssl
import time
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from live.apiserver import ADMIN
from live.standins.config import ORGANIZATION, Config, State
from live.standins.inside import ControlPlaneApis
from live.standins.web import Handler

_INSIDE = re.compile(r"^/apis/spaces\.upbound\.io/v1beta1/namespaces/([^/]+)/controlplanes/([^/]+)/k8s(/.*)$")
_PASSED_ON = ("accept", "content-type", "user-agent")


def gateway(  # noqa: C901  # A class, whose methods are simple.
    config: Config, state: State, apis: ControlPlaneApis, trust: ssl.SSLContext, port: int
) -> type[Handler]:
    """The handler of one address of the Space."""

    class Gateway(Handler):
        backends: dict[int, http.client.HTTPSConnection]

        def setup(self) -> None:
            super().setup()
            self.backends = {}

        def finish(self) -> None:
            for backend in self.backends.values():
                backend.close()
            super().finish()

        def handle_any(self) -> None:
            body, url = self.body(), urlsplit(self.path)
            content = self.headers.get("Content-Type", "").split(";")[0]
            time.sleep(float(state.fault.get("delay", 0)))
            if state.fault.get("down"):
                self.close_connection = True
                return
            if refusal := _refusal(config, state, self, content):
                code = refusal[0]
                self.refuse(*refusal)
            elif inside := _INSIDE.match(url.path):
                group, name, path = inside.groups()
                code = self.inside(group, name, path + (f"?{url.query}" if url.query else ""), body)
            else:
                code = self.pass_on(config.space, self.path, body)
            state.note(at="gateway", port=port, method=self.command, path=self.path, content=content, code=code)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_any  # noqa: N815  # The names of http.server.

        def inside(self, group: str, name: str, path: str, body: bytes) -> int:
            """A request to a control plane's own API."""
            port = apis.port_of(group, name)
            if port is None:
                self.refuse(HTTPStatus.NOT_FOUND, "NotFound", f'controlplanes.spaces.upbound.io "{name}" not found')
                return HTTPStatus.NOT_FOUND
            if port == 0:
                self.refuse(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable", "control plane is not ready")
                return HTTPStatus.SERVICE_UNAVAILABLE
            return self.pass_on(port, path, body)

        def pass_on(self, port: int, path: str, body: bytes) -> int:
            """Ask an API server behind the gateway."""
            headers = {k: v for k, v in self.headers.items() if k.lower() in _PASSED_ON}
            backend = self.backends.setdefault(port, http.client.HTTPSConnection("127.0.0.1", port, context=trust, timeout=60))
            # A connection that has rested may have been closed at its other end: what only reads is asked on another one then.
            for _ in range(2 if backend.sock and self.command in ("GET", "HEAD") else 1):
                try:
                    backend.request(self.command, path, body or None, {**headers, "Authorization": f"Bearer {ADMIN}"})
                    answer = backend.getresponse()
                    data = answer.read()
                except (OSError, http.client.HTTPException):
                    backend.close()
                    continue
                self.answer(answer.status, data, answer.getheader("Content-Type", "application/json"))
                return answer.status
            self.refuse(HTTPStatus.BAD_GATEWAY, "BadGateway", "bad gateway")
            return HTTPStatus.BAD_GATEWAY

    return Gateway


def _refusal(config: Config, state: State, asked: Handler, content: str) -> tuple[int, str, str] | None:
    """Why a request is not passed on. The text about patches is a real Space's; its status is assumed."""
    organization, url = state.organization_of(asked.bearer()), urlsplit(asked.path)
    of_space = not _INSIDE.match(url.path)
    watching = of_space and parse_qs(url.query).get("watch", ["false"])[0] in ("true", "1")
    if asked.bearer() not in config.static_tokens and (organization is None or state.fault.get("reject")):
        found = HTTPStatus.UNAUTHORIZED, "Unauthorized"
    elif organization not in (None, ORGANIZATION):
        found = HTTPStatus.FORBIDDEN, f"token is for organization {organization}"
    elif watching:
        found = HTTPStatus.METHOD_NOT_ALLOWED, "watch is not supported"
    elif of_space and asked.command == "PATCH" and content == "application/apply-patch+yaml":
        found = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Unsupported patch format. Only merge and json patch are supported."
    elif status := state.fault.get("status"):
        found = HTTPStatus(status), f"the gateway says {status}"
    else:
        return None
    return found[0], found[0].phrase.replace(" ", ""), found[1]


def stranger(state: State, port: int) -> type[Handler]:
    """A server that is no Space. It notes what it is sent, which must never be a token of the platform's."""

    class Stranger(Handler):
        def handle_any(self) -> None:
            self.body()
            state.note(at="stranger", port=port, method=self.command, path=self.path, token=self.bearer())
            self.refuse(HTTPStatus.NOT_FOUND, "NotFound", "nothing here")

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_any  # noqa: N815  # The names of http.server.

    return Stranger
