"""How an API server is started: one for the hub, one for the Space, one inside each control plane that is looked into."""

from dataclasses import dataclass
from pathlib import Path

from live.pki import Pair

ETCD = 12379
ADMIN = "live-admin"
"""The token of the one who set the world up. Nothing that is tested has it."""


@dataclass(frozen=True, slots=True)
class Server:
    """An API server: its name is its prefix in etcd. Admission of ServiceAccounts is off, as nothing here makes Pods."""

    binary: Path
    name: str
    port: int
    serving: Pair
    signing: Pair
    directory: Path

    def command(self) -> list[str]:
        """The command that starts it. Everything that is not asked of it is off, since a machine runs several."""
        tokens = self.directory / "tokens.csv"
        self.directory.mkdir(parents=True, exist_ok=True)
        tokens.write_text(f'{ADMIN},admin,admin,"system:masters"\n')
        flags = {
            "etcd-servers": f"http://127.0.0.1:{ETCD}",
            "etcd-prefix": f"/{self.name}",
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "secure-port": self.port,
            "endpoint-reconciler-type": "none",
            "tls-cert-file": self.serving.crt,
            "tls-private-key-file": self.serving.key,
            "cert-dir": self.directory,
            "token-auth-file": tokens,
            "authorization-mode": "RBAC",
            "anonymous-auth": "true",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": self.signing.crt,
            "service-account-signing-key-file": self.signing.key,
            "service-cluster-ip-range": "10.0.0.0/24",
            "disable-admission-plugins": "ServiceAccount",
            "enable-priority-and-fairness": "false",
            "profiling": "false",
        }
        return [str(self.binary), *(f"--{k}={v}" for k, v in flags.items())]
