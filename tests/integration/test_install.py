"""make install, below a root of its own."""

import re
import subprocess

import pytest

from settings import ROOT


@pytest.fixture(params=["/usr", "/opt/ringspool"])
def installed(request, tmp_path):
    subprocess.run(["make", "-s", "-C", ROOT, "install", f"DESTDIR={tmp_path}",
                    f"PREFIX={request.param}"], check=True)
    return tmp_path, request.param


def test_programs_run_where_they_are_installed(installed):
    root, prefix = installed
    below = root / prefix.lstrip("/")
    for program in ("lib/cgi-bin/ringspool.cgi", "bin/ringspool.fcgi", "bin/ringspool-renew",
                    "bin/ringspool"):
        shown = subprocess.run([below / program, "-V"], capture_output=True, text=True, check=True)
        assert re.fullmatch(rf"{(below / program).name} \d+\.\d+\.\d+\n", shown.stdout)


def test_pages_and_files_are_there_and_name_the_prefix(installed):
    root, prefix = installed
    below = root / prefix.lstrip("/")
    for page in (ROOT / "man").iterdir():
        assert (below / f"share/man/man{page.suffix[1:]}" / page.name).is_file()
    for folder in ("apache-conf", "lighttpd-conf", "etc", "examples", "docs"):
        assert (below / "share/ringspool" / folder).is_dir()
    units = list((below / "lib/systemd/system").iterdir())
    assert {unit.suffix for unit in units} == {".service", ".socket", ".timer", ".path"}
    for file in [*units, *(below / "share/ringspool").rglob("*")]:
        named = re.findall(r"(/\S*)/bin/ringspool", file.read_text()) if file.is_file() else []
        assert set(named) <= {prefix}, file
