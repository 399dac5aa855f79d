"""The demonstration of Lazaret (tools/demo): plays the story and counts what happened.

Scenes: 329 real webhooks of 58 kinds are published. Four workers take them; one kind of event kills the process that
takes it, and a supervisor starts the dead again. When the dust has settled, every other webhook has been done exactly
once, and the deadly ones lie in the hospital. The bug is mended, they are replayed, and discharged.
"""

import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("LAZARET_BIN_DIR", ROOT / "build" / "release" / "bin"))
PACKAGE = "@octokit/webhooks-examples@7.6.1"
WEBHOOKS, KINDS = 329, 58
QUEUE = "webhooks"
DEADLY = "security_advisory"
WORKERS = 4
PATIENCE_S = 120


NO_INPUT = 77  # ctest counts it as skipped


class Story(Exception):
    """Something did not happen as it should."""


class NoInput(Exception):
    """The package with the webhooks cannot be had."""


def wait_until(what, condition, seconds=PATIENCE_S):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Story(f"waited {seconds} s in vain: {what}")
        time.sleep(0.05)


def archive_of_webhooks():
    """The package as npm packs it; fetched once, and only whole ones are kept."""
    cache = ROOT / "build" / "demonstration"
    cache.mkdir(parents=True, exist_ok=True)
    kept = cache / (PACKAGE[1:].replace("/", "-").replace("@", "-") + ".tgz")
    if kept.exists():
        return kept
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        command = ["npm", "pack", "--loglevel", "error", PACKAGE]
        fetched = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        archive = next(pathlib.Path(folder).glob("*.tgz"), None)
        if fetched.returncode != 0 or archive is None:
            raise NoInput(f"npm could not fetch {PACKAGE}: {fetched.stderr.strip() or 'it gave no reason'}")
        archive.rename(kept)
    return kept


def webhooks():
    """Every example of the package: its kind, and its payload as bytes."""
    with tarfile.open(archive_of_webhooks()) as tar:
        index = json.load(tar.extractfile("package/api.github.com/index.json"))
    found = [(kind["name"], json.dumps(example).encode()) for kind in index for example in kind["examples"]]
    if len(found) != WEBHOOKS or len(index) != KINDS:
        raise Story(f"{PACKAGE} has {len(found)} payloads of {len(index)} kinds, not {WEBHOOKS} of {KINDS}")
    return found


class Broker:
    def __init__(self, scratch):
        self.data = scratch / "data"
        self.log = open(scratch / "lazaretd.log", "wb")
        self.process = subprocess.Popen(
            [BIN / "lazaretd", "--data-dir", self.data, "--listen", "127.0.0.1:0",
             "--admin-listen", "127.0.0.1:0",
             "--set", "broker.reconnect_grace=500ms"],
            stdout=self.log, stderr=self.log, start_new_session=True)
        addresses = self.data / "lazaretd.addresses"
        wait_until("the broker is ready", lambda: addresses.exists() or self.process.poll() is not None, 30)
        if self.process.poll() is not None:
            raise Story("the broker ended: " + (scratch / "lazaretd.log").read_text())
        self.addresses = json.loads(addresses.read_text())

    def cli(self, *arguments, stdin=None):
        """One command of the command line tool; its standard output."""
        done = subprocess.run([BIN / "lazaret", "--broker", self.addresses["broker"], *map(str, arguments)],
                              input=stdin, capture_output=True, timeout=PATIENCE_S)
        if done.returncode != 0:
            raise Story(f"lazaret {' '.join(map(str, arguments))}: {done.returncode}: {done.stderr.decode()}")
        return done.stdout.decode()

    def json(self, *arguments, stdin=None):
        return [json.loads(line) for line in self.cli("--json", *arguments, stdin=stdin).splitlines() if line]

    def queue(self):
        return self.json("queue", "show", QUEUE)[0]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            raise Story("the broker did not stop in order")


class Supervisor:
    """Starts the workers, and starts them again whenever they die."""

    def __init__(self, broker, ledger, deadly):
        url = "lazaret://" + broker.addresses["broker"]
        self.command = [BIN / "lazaret_demo_worker", url, QUEUE, ledger.path] + ([deadly] if deadly else [])
        self.deaths = 0
        self.workers = [self.spawn() for _ in range(WORKERS)]

    def spawn(self):
        return subprocess.Popen(self.command)

    def look_after(self):
        for place, worker in enumerate(self.workers):
            if worker.poll() is None:
                continue
            if worker.returncode != -signal.SIGKILL:
                raise Story(f"a worker ended by itself with {worker.returncode}")
            self.deaths += 1
            self.workers[place] = self.spawn()

    def stop(self):
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            worker.wait(60)


class Ledger:
    """What the workers wrote."""

    def __init__(self, path):
        self.path = path
        self.path.touch()

    def count(self, what):
        lines = (line.split() for line in self.path.read_text().splitlines())
        return collections.Counter(line[1] for line in lines if line[0] == what)


def messages_of(found):
    return [{"id": str(uuid.uuid4()), "type": kind, "content_type": "application/json", "body": body.decode(),
             "key": json.loads(body).get("repository", {}).get("full_name", ""),
             "correlation_id": f"demonstration-{number}"} for number, (kind, body) in enumerate(found)]


def play(broker, scratch, say):
    found = webhooks()
    messages = messages_of(found)
    poison = {message["id"] for message in messages if message["type"] == DEADLY}
    sizes = sorted(len(body) for _, body in found)
    say(f"{len(found)} webhooks of {KINDS} kinds, {sizes[0]:,} to {sizes[-1]:,} bytes; {len(poison)} are '{DEADLY}'")

    broker.cli("queue", "create", QUEUE, "--backoff-initial", "200ms")
    confirmed = broker.json("publish", QUEUE, "--messages", stdin="\n".join(map(json.dumps, messages)).encode())
    say(f"published: {len(confirmed)} confirmed, all on the disk")

    ledger = Ledger(scratch / "ledger")
    say(f"{WORKERS} workers begin, with a bug that kills whichever takes a '{DEADLY}'")
    supervisor = Supervisor(broker, ledger, DEADLY)

    def settled():
        supervisor.look_after()
        queue = broker.queue()
        return queue["acked_total"] + queue["in_hospital"] == len(messages)

    try:
        wait_until("everything is done or in the hospital", settled)
        deaths = supervisor.deaths
    finally:
        supervisor.stop()
    before, done = broker.queue(), ledger.count("done")
    say(f"{deaths} workers died; {before['acked_total']} webhooks are done, {before['in_hospital']} in the hospital")

    cases = broker.json("hospital", "list", "--queue", QUEUE)
    shown = [broker.json("hospital", "show", case["id"])[0] for case in cases]
    for case in shown:
        chart = ", ".join(f"{a['number']}: {a['outcome']}" for a in case["attempts"])
        say(f"  case {case['id']}  {case['reason']}  attempts {chart}")

    say("the bug is mended, the workers of the new version begin, the cases are replayed")
    supervisor = Supervisor(broker, ledger, "")
    try:
        broker.cli("hospital", "replay", "--filter", f"type={DEADLY}", "--yes", "--wait")

        def discharged():
            return broker.json("hospital", "list", "--queue", QUEUE, "--state", "discharged")

        wait_until("all cases are discharged", lambda: len(discharged()) == len(poison))
    finally:
        supervisor.stop()
    after, finally_done = broker.queue(), ledger.count("done")
    attempts_failed = sum(case["failure_count"] for case in cases)
    healthy = [message["id"] for message in messages if message["id"] not in poison]

    return [
        ("webhooks published and confirmed", len(confirmed), WEBHOOKS),
        ("healthy ones done exactly once, workers dying", sum(done[m] == 1 for m in healthy), WEBHOOKS - len(poison)),
        ("deadly ones in the hospital", before["in_hospital"], len(poison)),
        ("  of them as killers of workers", sum(c["reason"] == "killed_workers" for c in cases), len(poison)),
        ("  with the message and every attempt", sum(len(c["attempts"]) >= 2 and "message" in c for c in shown),
         len(poison)),
        ("workers killed by each deadly webhook", attempts_failed / len(poison), 2),
        ("workers that died", deaths, 2 * len(poison)),
        ("cases of healthy webhooks", sum(c["message_id"] not in poison for c in cases), 0),
        ("deadly ones done after the replay", sum(finally_done[m] == 1 for m in poison), len(poison)),
        ("done twice", sum(n > 1 for n in finally_done.values()), 0),
        ("left in the hospital", after["in_hospital"], 0),
        ("acked in all", after["acked_total"], WEBHOOKS),
        ("findings of lazaret check", len(broker.json("check")[0]["findings"]), 0),
    ]


def print_table(rows):
    width = max(len(what) for what, _, _ in rows)
    print(f"\n{'':{width}}  {'counted':>9}  {'expected':>9}")
    for what, counted, expected in rows:
        print(f"{what:{width}}  {counted:>9g}  {expected:>9g}  {'' if counted == expected else '<-- off'}")


def main():
    keep = "--keep" in sys.argv[1:]
    if set(sys.argv[1:]) - {"--keep"}:
        sys.exit("usage: tools/demo [--keep]")
    began = time.monotonic()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="lazaret-demo."))

    def say(text):
        print(f"[{time.monotonic() - began:5.1f} s] {text}", flush=True)

    broker = None
    try:
        broker = Broker(scratch)
        rows = play(broker, scratch, say)
        print_table(rows)
        off = [what for what, counted, expected in rows if counted != expected]
        if keep:
            print(f"\nThe broker runs on (pid {broker.process.pid}, data {scratch}):\n"
                  f"  http://{broker.addresses['admin']}/                the page: every queue, worst first\n"
                  f"  http://{broker.addresses['admin']}/hospital/cases  the story's cases: j and k move,\n"
                  f"      Enter opens one, with the chart of the workers that it killed; ? shows all keys\n"
                  f"  lazaret --broker {broker.addresses['broker']} hospital list\n"
                  f"Make one more: publish to a queue whose worker fails, and press r on its case when it is mended:\n"
                  f"  export LAZARET_BROKER={broker.addresses['broker']}\n"
                  f"  lazaret queue create orders --max-attempts 1\n"
                  f"  lazaret publish orders --type order.created --body '{{\"order\": 1}}'\n"
                  f"  lazaret consume orders --count 1 --exec 'echo no such table >&2; exit 1'\n"
                  f"  lazaret consume orders --print")
        else:
            broker.stop()
        sys.exit(1 if off else 0)
    except NoInput as missing:
        print(missing, file=sys.stderr)
        sys.exit(NO_INPUT)
    except Story as story:
        print(f"the story went wrong: {story}", file=sys.stderr)
        sys.exit(1)
    finally:
        if not keep:
            if broker is not None and broker.process.poll() is None:
                os.kill(broker.process.pid, signal.SIGKILL)
            shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
