"""What runs the renewal program: systemd accepts the units, and the crontab is one."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ETC = Path(__file__).resolve().parents[2] / "etc"
PROGRAM = "/usr/bin/ringspool-renew"
EXPOSURE_MAX = 15   # tenths, of systemd-analyze's scale from 0 to 10


class Unit:
    """A unit file's settings; a key may stand there more than once."""

    def __init__(self, path):
        self.all = {}
        section = ""
        for line in path.read_text().splitlines():
            if line.startswith("["):
                section = line.strip("[]")
            elif line and not line.startswith("#"):
                key, _, value = line.partition("=")
                self.all.setdefault((section, key), []).append(value)

    def value(self, section, key):
        (value,) = self.all[section, key]
        return value


@pytest.fixture(scope="module")
def service():
    return Unit(ETC / "ringspool-renew.service")


@pytest.fixture(scope="module")
def timer():
    return Unit(ETC / "ringspool-renew.timer")


@pytest.fixture
def units(tmp_path):
    """The units, starting a program that is there."""
    program = shutil.copy("/bin/true", tmp_path / "ringspool-renew")
    for name in ("ringspool-renew.service", "ringspool-renew.timer"):
        text = (ETC / name).read_text()
        (tmp_path / name).write_text(text.replace(PROGRAM, str(program)))
    return tmp_path


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *map(str, arguments)],
                          capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["ringspool-renew.service", "ringspool-renew.timer"])
def test_systemd_accepts_it(name, units):
    done = analyze("verify", "--man=no", units / name)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_it_is_hardened(units):
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}",
                   units / "ringspool-renew.service")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schedule_is_one(timer):
    done = analyze("calendar", timer.value("Timer", "OnCalendar"))
    assert done.returncode == 0, done.stderr
    assert timer.value("Timer", "Persistent") == "yes"
    assert timer.value("Timer", "RandomizedDelaySec") == "5min"


def test_the_service_has_what_the_program_wants(service):
    assert service.value("Service", "ExecStart") == PROGRAM
    assert service.value("Service", "User") == "ringspool-renew"
    assert service.value("Service", "Group") == "ringspool"
    assert service.value("Service", "StateDirectory") == "ringspool"
    names = [value.split(":") for value in service.all["Service", "LoadCredential"]]
    assert names == [[name, f"/etc/ringspool/credentials/{name}"]
                     for name in ("client_id", "client_secret", "jwt")]


def test_of_the_spool_only_the_reminders_are_writable(service):
    assert service.value("Service", "ProtectSystem") == "strict"
    assert service.value("Service", "ReadWritePaths") == "-/var/spool/ringspool/renew"


# cron

def crontab():
    """Settings and jobs: five fields of time, the user, the command."""
    lines = [line for line in (ETC / "ringspool-renew.cron").read_text().splitlines()
             if line and not line.startswith("#")]
    settings = [line for line in lines if re.match(r"[A-Z]+=", line)]
    return settings, [line.split(None, 6) for line in lines if line not in settings]


def test_the_crontab_has_one_job():
    _, jobs = crontab()
    (job,) = jobs
    assert job[:6] == ["*/10", "*", "*", "*", "*", "ringspool-renew"]
    assert job[6].split()[0] == PROGRAM


def test_cron_takes_the_file_whole():
    """It drops a last line without its end, and % ends a command."""
    text = (ETC / "ringspool-renew.cron").read_text()
    assert text.endswith("\n")
    assert not any("%" in job[6] for job in crontab()[1])
    assert not os.access(ETC / "ringspool-renew.cron", os.X_OK)


def test_the_splay_ends_before_the_next_run():
    ((*_, command),) = crontab()[1]
    assert 0 < int(re.search(r"--splay (\d+)", command)[1]) < 10 * 60
