"""What the figures were measured on and with."""

import os
import platform
import subprocess
from pathlib import Path

from ground import MEDIA

PACKAGES = ("lighttpd", "apache2", "libfcgi-bin", "php-fpm", "gunicorn", "nodejs", "webhook", "perl")


def describe():
    print(f"Measured on {processor()}, {memory():.0f} GB of memory, Linux {platform.release()};"
          f" the disk is {file_system(MEDIA['disk'])}. {versions()}.")


def processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")),
                 platform.machine())
    kind = "processors of a virtual machine" if any("hypervisor" in line for line in lines) else "processors"
    return f"{os.cpu_count()} {kind} ({model})"


def memory():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def file_system(path):
    return " on ".join(output("findmnt", "-no", "FSTYPE,SOURCE", "-T", path).split())


def versions():
    shown = output("dpkg-query", "-W", "-f", "${Package} ${Version}\n", *PACKAGES)
    return ", ".join(shown.splitlines())


def output(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()
