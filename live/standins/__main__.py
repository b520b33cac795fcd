"""Runs the stand-ins: `python -m live.standins CONFIG`."""

import json
import ssl
import sys
import threading
from http import HTTPStatus
from pathlib import Path

from live.apiserver import ADMIN
from live.client import Api
from live.pki import Pair
from live.standins.config import Config, State
from live.standins.controller import Controller
from live.standins.exchange import exchange, proxy
from live.standins.gateway import gateway, stranger
from live.standins.inside import ControlPlaneApis
from live.standins.upbound import provide
from live.standins.web import Handler, serve


def control(state: State) -> type[Handler]:
    """Where tests say what is to go wrong: PUT /fault and PUT /modes."""

    class Control(Handler):
        def do_GET(self) -> None:  # noqa: N802  # The name of http.server.
            self.answer(HTTPStatus.OK, {"fault": state.fault, "modes": state.modes})

        def do_PUT(self) -> None:  # noqa: N802  # The name of http.server.
            said = json.loads(self.body())
            if self.path == "/fault":
                state.fault = said
            else:
                state.tell(said)
            self.answer(HTTPStatus.OK, {})

    return Control


def main() -> None:
    """Serve until the process is stopped."""
    config = Config.read(Path(sys.argv[1]))
    directory = Path(config.directory)
    pki = directory / "pki"
    pair = {name: Pair(pki / name / "tls.crt", pki / name / "tls.key") for name in ("gateway", "exchange", "space")}
    space = Api(config.space, pki / "space-ca.crt", ADMIN)
    state = State(directory / "log" / "audit.jsonl")
    apis = ControlPlaneApis(config, space, pair["space"], Pair(pki / "sa.pub", pki / "sa.key"))
    trust = ssl.create_default_context(cafile=pki / "space-ca.crt")
    for port in config.gateways:
        serve(gateway(config, state, apis, trust, port), port, pair["gateway"])
    for port in config.strangers:
        serve(stranger(state, port), port, pair["gateway"])
    serve(exchange(config, state), config.exchange, pair["exchange"])
    serve(proxy(config, state), config.proxy, None)
    serve(control(state), config.control, None)
    threading.Thread(target=provide, args=(Api(config.hub, pki / "hub-ca.crt", ADMIN),), daemon=True).start()
    Controller(space, state, apis).run()


main()
