"""Counts the instructions that the broker spends on a message (message_path.h), and compares with what is checked in.

  instructions_test.py COUNT_INSTRUCTIONS              fails when a count has grown by more than a tenth
  instructions_test.py COUNT_INSTRUCTIONS --write      writes what it counts to instructions.json

The counts are of callgrind, which runs every instruction on a processor of its own: they are the same on every machine
with the same compiler and libraries, however busy it is.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

EXPECTED = pathlib.Path(__file__).with_name("instructions.json")
FEW, MANY = 2048, 6144  # what both runs have in common, the start above all, is in neither count
TOLERANCE = 1.1


def instructions(program, mode, messages):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", program, mode,
                               str(messages)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{program} {mode} {messages} failed:\n{done.stderr}")
    return int(re.search(r"Collected : (\d+)", done.stderr)[1])


def per_message(program, mode):
    return (instructions(program, mode, MANY) - instructions(program, mode, FEW)) / (MANY - FEW)


def main():
    program = sys.argv[1]
    published = per_message(program, "publish")
    counts = {"published": round(published), "consumed": round(per_message(program, "consume") - published)}
    expected = json.loads(EXPECTED.read_text())
    words = [f"{name} {count} (was {expected[name]})" for name, count in counts.items()]
    print("instructions a message: " + ", ".join(words))
    if "--write" in sys.argv:
        EXPECTED.write_text(json.dumps(counts, indent=2) + "\n")
        return 0
    grown = [name for name, count in counts.items() if count > expected[name] * TOLERANCE]
    if grown:
        print(f"more than a tenth above tests/bench/instructions.json: {', '.join(grown)}; mend it, or write the new "
              "counts with --write and say why")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
