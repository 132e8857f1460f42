"""The spool as its consumer sees it."""

import os
import shutil
from pathlib import Path


class Spool:
    def __init__(self, path, gid):
        self.path = Path(path)
        self.gid = gid
        self.make()

    def make(self):
        """What the administrator does: install -d -o root -g GROUP -m 2770."""
        self.path.mkdir()
        os.chown(self.path, 0, self.gid)
        self.path.chmod(0o2770)

    def remove(self):
        shutil.rmtree(self.path)

    def names(self, folder="new"):
        directory = self.path / folder
        return sorted(os.listdir(directory)) if directory.is_dir() else []

    def contents(self, folder="new"):
        return [(self.path / folder / name).read_bytes() for name in self.names(folder)]

    def take(self):
        """Consume all events, at any time: their contents, and the files are gone. What
        was no event goes too."""
        taken = []
        for name in self.names():
            path = self.path / "new" / name
            taken.append(path.read_bytes())
            path.unlink()
        for name in self.names("bad"):
            (self.path / "bad" / name).unlink()
        return taken
