"""A test authority: a root, an intermediate, and server certificates (EC keys).

All made by the openssl command into one directory.  Besides good certificates
it issues the bad ones that a client must refuse: expired, for another host,
without the intermediate that the chain needs.
"""

import ipaddress
import subprocess
from dataclasses import dataclass
from pathlib import Path

LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Pair:
    """A certificate file (leaf first, then what is sent along) and its key."""
    certificate: Path
    key: Path


class Authority:
    def __init__(self, directory):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._root = self._pair("ca")
        self._intermediate = self._pair("intermediate")
        if not self._root.certificate.exists():
            self._make("ca", "/CN=ringspool test root", None, CA_EXTENSIONS, 3650)
            self._make("intermediate", "/CN=ringspool test intermediate", self._root,
                       CA_EXTENSIONS, 3650)

    @property
    def ca_file(self):
        """What a client has to trust: the root alone."""
        return self._root.certificate

    def issue(self, name="server", hosts=LOCAL, days=30, intermediate=False, full_chain=True):
        """A server certificate; `days` below zero is one that has expired.

        With `intermediate` the leaf is signed by the intermediate, which is
        sent along only with `full_chain`: without is the classic SUB-524.
        """
        alternatives = ",".join(_alternative(host) for host in hosts)
        signer = self._intermediate if intermediate else self._root
        pair = self._make(name, f"/CN={hosts[0]}", signer,
                          [f"subjectAltName={alternatives}", "basicConstraints=CA:FALSE",
                           "extendedKeyUsage=serverAuth"], days)
        if intermediate and full_chain:
            with pair.certificate.open("ab") as chain:
                chain.write(self._intermediate.certificate.read_bytes())
        return pair

    def _pair(self, name):
        return Pair(self.directory / f"{name}.pem", self.directory / f"{name}.key")

    def _make(self, name, subject, signer, extensions, days):
        pair = self._pair(name)
        request = ["openssl", "req", "-new", "-newkey", "ec", "-nodes", "-utf8",
                   "-pkeyopt", "ec_paramgen_curve:prime256v1", "-config", "/dev/null",
                   "-subj", subject, "-keyout", pair.key]
        for extension in extensions:
            request += ["-addext", extension]
        if not signer:
            _run([*request, "-x509", "-days", str(days), "-out", pair.certificate])
        else:                           # only x509 makes certificates that have expired
            made = _run(request)
            _run(["openssl", "x509", "-req", "-days", str(days), "-CA", signer.certificate,
                  "-CAkey", signer.key, "-copy_extensions", "copyall",
                  "-out", pair.certificate], made.stdout)
        pair.key.chmod(0o600)
        return pair


def _run(command, data=None):
    return subprocess.run(command, input=data, check=True, capture_output=True)


CA_EXTENSIONS = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]


def _alternative(host):
    try:
        return f"IP:{ipaddress.ip_address(host)}"
    except ValueError:
        return f"DNS:{host}"
