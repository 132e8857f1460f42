"""A place of its own for each set-up: spool, configuration, sockets, logs."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from certs import Certificates
from settings import CGI, FCGI, SERVICE, TOKENS, WEB
from spool import Spool


@dataclass
class Place:
    work: Path
    spool: Spool
    config: Path
    certificates: Certificates

    @property
    def socket(self):
        return self.work / "run" / "ringspool.sock"

    @property
    def log(self):
        return self.work / "responder.log"

    def move_spool(self, path):
        """An empty spool elsewhere, for programs that are started from now on."""
        self.config.write_text(self.config.read_text().replace(
            f"spool = {self.spool.path}\n", f"spool = {path}\n"))
        self.spool.path = path
        self.spool.make()

    @property
    def cgi(self):
        return self.work / CGI.name

    @property
    def fcgi(self):
        return self.work / FCGI.name


def prepare(work, certificates, settings=""):
    """A directory that every user may enter, with copies of the programs (the build
    may lie where only root can look), an empty spool and two verification tokens."""
    work.mkdir(mode=0o755)
    for name, owner in (("run", SERVICE), ("web", WEB.pw_uid)):
        (work / name).mkdir()
        os.chown(work / name, owner, WEB.pw_gid)
    spool = Spool(work / "spool", WEB.pw_gid)
    tokens = work / "tokens"
    tokens.write_text("".join(f"{token}\n" for token in TOKENS))
    os.chown(tokens, 0, WEB.pw_gid)
    tokens.chmod(0o640)
    config = work / "ringspool.conf"
    config.write_text(f"[receiver]\nspool = {spool.path}\nverification_tokens = {tokens}\n{settings}")
    for program in (CGI, FCGI):
        shutil.copy(program, work / program.name)
    return Place(work, spool, config, certificates)
