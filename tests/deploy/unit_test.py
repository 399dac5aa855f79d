#!/usr/bin/env python3
"""The systemd unit is one that systemd takes without a word, and its sandbox stays shut.

    unit_test.py deploy/systemd/lazaretd.service
"""
import pathlib
import re
import subprocess
import sys
import tempfile

HIGHEST_EXPOSURE = 2.5
# What the rest of the project relies on, whatever systemd-analyze thinks of it.
NEEDED = ["Type=notify", "ExecStart=/usr/bin/lazaretd --config /etc/lazaret/lazaret.toml", "User=lazaret",
          "StateDirectory=lazaret", "TimeoutStopSec=60", "Restart=on-failure", "LimitNOFILE=65536"]


def analyze(*arguments):
    done = subprocess.run(["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout, done.stderr


def with_program(unit, folder):
    """A copy of the unit whose program is there: verify refuses one that is not installed, and none needs to be."""
    program = folder / "lazaretd"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    copy = folder / unit.name
    copy.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={program}", unit.read_text(), flags=re.M))
    return copy


def findings(unit):
    text = unit.read_text()
    for line in NEEDED:
        if line not in text.splitlines():
            yield f"{unit}: the line {line} is missing"
    with tempfile.TemporaryDirectory() as folder:
        copy = with_program(unit, pathlib.Path(folder))
        status, _, words = analyze("verify", "--man=no", "--recursive-errors=no", str(copy))
        # verify warns without failing, e.g. of a key that systemd does not know.
        words = "\n".join(line for line in words.splitlines() if unit.name in line)
        if status != 0 or words:
            yield f"systemd-analyze verify: status {status}\n{words}"
    _, table, words = analyze("security", "--offline=true", str(unit))
    exposure = re.search(r"Overall exposure level for .*: ([0-9.]+)", table)
    if not exposure:
        yield f"systemd-analyze security says no exposure:\n{table}{words}"
    elif float(exposure[1]) > HIGHEST_EXPOSURE:
        open_doors = "\n".join(line for line in table.splitlines() if line.startswith("✗"))
        yield f"exposure {exposure[1]} is above {HIGHEST_EXPOSURE}:\n{open_doors}"


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    found = list(findings(pathlib.Path(sys.argv[1])))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
