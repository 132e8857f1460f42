"""A certificate authority for the tests, and a server certificate of it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificates:
    authority: Path     # what a client trusts
    chain: Path         # the server's certificate, then its issuer's
    key: Path


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def make(directory):
    """Elliptic keys: quick to make, and small on the wire."""
    authority, authority_key = directory / "ca.pem", directory / "ca.key"
    leaf, key, wish = directory / "leaf.pem", directory / "server.key", directory / "server.csr"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = directory / "names"
    names.write_text("subjectAltName=DNS:localhost\n")
    openssl("req", "-x509", *curve, "-days", "2", "-subj", "/CN=ringspool test authority",
            "-keyout", authority_key, "-out", authority)
    openssl("req", "-new", *curve, "-subj", "/CN=localhost", "-keyout", key, "-out", wish)
    openssl("x509", "-req", "-in", wish, "-CA", authority, "-CAkey", authority_key,
            "-days", "2", "-extfile", names, "-out", leaf)
    chain = directory / "fullchain.pem"
    chain.write_bytes(leaf.read_bytes() + authority.read_bytes())
    return Certificates(authority, chain, key)
