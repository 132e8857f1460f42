"""What is installed around the tool: units, crontab, completion, the manual."""

import re
import shlex
import shutil
import subprocess

import pytest

from consuming import ROOT, TOOL

ETC = ROOT / "etc"
UNITS = sorted(path.name for path in ETC.glob("ringspool-run*.*") if path.suffix != ".cron")


@pytest.fixture
def root(place):
    """A file system root with the units, and all programs that they name."""
    made = place.directory / "root"
    shutil.copytree("/usr/lib/systemd/system", made / "usr/lib/systemd/system", symlinks=True)
    for unit in UNITS:
        shutil.copy(ETC / unit, made / "usr/lib/systemd/system")
    for program in ("usr/bin/ringspool", "etc/ringspool/handle-event"):
        (made / program).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOOL, made / program)
    return made


def test_units_are_as_systemd_wants_them(root):
    assert UNITS == ["ringspool-run-once.path", "ringspool-run-once.service",
                     "ringspool-run-once.timer", "ringspool-run.service"]
    done = subprocess.run(["systemd-analyze", "verify", f"--root={root}", "--man=no", *UNITS],
                          capture_output=True, text=True, check=False)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "ringspool" in line]
    assert (done.returncode, ours) == (0, [])


def test_units_are_hardened(root):
    for unit in UNITS:
        if unit.endswith(".service"):
            done = subprocess.run(["systemd-analyze", "security", "--offline=yes",
                                   f"--root={root}", "--threshold=35", unit],
                                  capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout.splitlines()[-1:]


def commands():
    """Every command line of ours in units and crontab."""
    for path in [*ETC.glob("ringspool-run*.service"), ETC / "ringspool-run.cron"]:
        for line in path.read_text().splitlines():
            if not line.startswith("#") and (found := re.search(r"/usr/bin/ringspool ([^|>]*)", line)):
                yield shlex.split(re.sub(r" \d?$", "", found[1]))


def test_command_lines_are_understood(place):
    """With a command that exists in the handler's stead."""
    lines = list(commands())
    assert len(lines) == 4
    for words in lines:
        words = ["/bin/true" if word.startswith("/etc/") else word for word in words
                 if word != "--follow"]
        place.tool(*words)


def complete(words):
    """What bash offers for the last of the words."""
    script = f'source {ETC}/completion/ringspool; COMP_WORDS=({" ".join(map(shlex.quote, words))}); ' \
             f'COMP_CWORD={len(words) - 1}; _ringspool; printf "%s\\n" "${{COMPREPLY[@]}}"'
    return subprocess.run(["bash", "-uc", script], capture_output=True, text=True, check=True)


@pytest.mark.parametrize("words, offered", [
    (["ringspool", "re"], {"release", "retry", "replay", "report"}),
    (["ringspool", "run", "--re"], {"--retries", "--retry-delay"}),
    (["ringspool", "prune", "--older-than", "3"], set()),
    (["ringspool", "-c", "/etc/passwd", "run", "--serial-by", ""], {"owner", "subscription", "event"}),
    (["ringspool", "hold", "--state", "f"], {"failed"})])
def test_completion(words, offered):
    done = complete(words)
    assert set(done.stdout.split()) == offered
    assert done.stderr == ""


def test_completion_of_names(place, monkeypatch):
    monkeypatch.setenv("RINGSPOOL_SPOOL", str(place.spool))
    names = {place.deliver(f"u{i}") for i in range(2)}
    assert set(complete([str(TOOL), "hold", "u"]).stdout.split()) == names


def test_completion_knows_every_option():
    """And offers none that is not there."""
    usage = subprocess.run([TOOL, "-h"], capture_output=True, text=True, check=True).stdout
    for subcommand in re.findall(r"^  (\w+)", usage, re.M):
        # A monitoring plug-in's help ends with 3.
        usage = subprocess.run([TOOL, subcommand, "--help"], capture_output=True, text=True,
                               check=False).stdout
        offered = set(complete(["ringspool", subcommand, "--"]).stdout.split())
        assert offered - {"--help", "--jobs"} == set(re.findall(r"--[a-z-]+[a-z]", usage)), subcommand


def test_manual_is_clean_and_names_every_subcommand_and_option():
    page = ROOT / "man" / "ringspool.1"
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], capture_output=True, text=True,
                          check=False)
    assert done.stdout == ""
    text = page.read_text()
    for subcommand in ("run", "hold", "release", "retry", "replay", "delete", "prune", "import"):
        assert f".Ss {subcommand}\n" in text
        usage = subprocess.run([TOOL, subcommand, "--help"], capture_output=True, text=True,
                               check=True).stdout
        for option in re.findall(r"--([a-z-]+[a-z])", usage):
            assert f"Fl -{option}" in text, (subcommand, option)
