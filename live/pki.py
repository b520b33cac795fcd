"""Certificates of a world, made with openssl: one authority for each thing that trusts another."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, as files."""

    crt: Path
    key: Path


def authority(directory: Path, name: str) -> Pair:
    """A certificate authority of our own."""
    pair = Pair(directory / f"{name}.crt", directory / f"{name}.key")
    if not pair.crt.exists():
        directory.mkdir(parents=True, exist_ok=True)
        use = "keyUsage=critical,keyCertSign,digitalSignature,cRLSign"
        _openssl("req", "-x509", *_KEY, "-days", "30", "-subj", f"/CN={name}", "-addext", use, "-keyout", pair.key, "-out", pair.crt)
    return pair


def certificate(directory: Path, ca: Pair, *names: str) -> Pair:
    """tls.crt and tls.key for DNS names, with ca.crt beside them, signed by `ca`; the address is always 127.0.0.1."""
    pair = Pair(directory / "tls.crt", directory / "tls.key")
    if not pair.crt.exists():
        directory.mkdir(parents=True, exist_ok=True)
        request, extensions = directory / "tls.csr", directory / "extensions"
        san = ",".join(["IP:127.0.0.1", *(f"DNS:{n}" for n in ("localhost", *names))])
        extensions.write_text(f"subjectAltName={san}\nextendedKeyUsage=serverAuth,clientAuth\nkeyUsage=digitalSignature\n")
        _openssl("req", *_KEY, "-subj", f"/CN={(*names, 'localhost')[0][:60]}", "-keyout", pair.key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", ca.crt, "-CAkey", ca.key, "-days", "30", "-extfile", extensions, "-out", pair.crt)
        (directory / "ca.crt").write_bytes(ca.crt.read_bytes())
    return pair


def signing_key(directory: Path) -> Pair:
    """The key pair of service account tokens; `crt` is the public key."""
    pair = Pair(directory / "sa.pub", directory / "sa.key")
    if not pair.crt.exists():
        directory.mkdir(parents=True, exist_ok=True)
        _openssl("genrsa", "-out", pair.key, "2048")
        _openssl("rsa", "-in", pair.key, "-pubout", "-out", pair.crt)
    return pair


def _openssl(*args: str | Path) -> None:
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)  # noqa: S607  # Debian's openssl.
