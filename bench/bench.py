"""Measures the receiver beside bare programs and beside its peers; `make bench` runs it."""

import argparse
import os
import sys
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path += [str(TESTS / "integration"), str(TESTS / "platform")]

import ground  # noqa: E402
import machine  # noqa: E402

PARTS = ("fcgi", "cgi", "peers", "growth")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds, 7")
    parser.add_argument("--seconds", type=int, default=1, help="of each run, 1")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {' '.join(PARTS)}; all")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {' '.join(sorted(unknown))}")
    if os.geteuid() != 0:
        sys.exit("bench: the web servers are started as root")
    machine.describe()
    with ExitStack() as whole:
        made = {medium: whole.enter_context(ground.directory(medium)) for medium in ground.MEDIA}
        for part in options.parts or PARTS:
            work = {medium: path / part for medium, path in made.items()}
            for path in work.values():
                path.mkdir()
            with ExitStack() as stack:
                import_module(f"part_{part}").measure(stack, work, options)


main()
