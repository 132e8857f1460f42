"""Receivers with one step of the write protocol left out or in another place: mutants/*.patch,
each against the sources as they are. Where a test that finds nothing wrong with the real
ones finds nothing wrong with a mutant either, it proves nothing."""

import functools
import os
import shutil
import subprocess
from pathlib import Path

from settings import CGI, FCGI, ROOT

FOLDER = Path(__file__).parent / "mutants"
SOURCES = ("Makefile", "cgi", "fcgi", "shared")
PROGRAMS = (CGI, FCGI)


def copy_sources(directory):
    directory.mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, directory / name)


def apply(patch, directory, *options):
    """Without any leeway: a patch that has to be guessed at may leave out another step."""
    done = subprocess.run(["patch", "-p1", "--fuzz=0", "--silent", *options, "-i", patch],
                          cwd=directory, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{patch.name} does not apply to the sources any more; " \
        f"make it anew with git diff:\n{done.stdout}{done.stderr}"


@functools.cache
def built(name, work):
    """The directory with the receivers of a mutant, below `work`."""
    tree = work / name
    copy_sources(tree)
    apply(FOLDER / f"{name}.patch", tree)
    subprocess.run(["make", "-j2", "--silent", *(f"build/{program.name}" for program in PROGRAMS)],
                   cwd=tree, check=True, env={"PATH": os.environ["PATH"]})    # no options of ours
    return tree / "build"


def mutate(place, name):
    """Puts a mutant in the place of the receivers."""
    for program in PROGRAMS:
        shutil.copy(built(name, place.work.parent) / program.name, place.work)
