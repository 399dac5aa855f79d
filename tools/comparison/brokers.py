"""The brokers that are compared: how each is started, stopped, made to take messages, and put under a load."""
import contextlib
import glob
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "build/release/bin"
LOADS = ROOT / "tests/bench/peers"
WINDOW = 256
READY_SECONDS = 90
STOP_SECONDS = 60
LOAD_SECONDS = 600
WARM_UP = {"size": 256, "producers": 4, "consumers": 4, "seconds": 2}


class Failure(Exception):
    """Something went wrong that a reader of one sentence understands."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def debian_version(package):
    query = ["dpkg-query", "-W", "-f", "${Version}", package]
    return subprocess.run(query, capture_output=True, text=True, check=True).stdout.split(":")[-1]


def cpu_seconds(pid):
    # The name, in brackets, may have spaces; the times are the 14th and 15th field.
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        raise Failure(f"process {pid} has ended") from None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Broker:
    """A broker of the comparison's own, on loopback, with its data in a new folder."""

    packages = ()

    def __init__(self, name, scratch, clients):
        self.name = name
        self.clients = clients
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"bench-{name}.", dir=scratch))
        self.processes = []
        self.pid = None  # of the broker itself, which may be the child of one of the processes

    def run(self, command, **options):
        with open(self.dir / "out.log", "ab") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out, **options)
        self.processes.append(process)
        return process

    def wait_for(self, what):
        end = time.monotonic() + READY_SECONDS
        while not what():
            ended = any(process.poll() is not None for process in self.processes)
            if ended or time.monotonic() > end:
                words = (self.dir / "out.log").read_text(errors="replace")[-2000:]
                raise Failure(f"{self.name} {'ended' if ended else 'did not get ready'}: {words}")
            time.sleep(0.05)

    def pause(self):
        """When it has done what its last run left to it. From then on it takes nothing from the runs of others."""
        for _ in range(50):
            before = cpu_seconds(self.pid)
            time.sleep(0.2)
            if cpu_seconds(self.pid) - before < 0.03:
                break
        os.sync()
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.pid, signal.SIGCONT)
        time.sleep(0.2)

    def halt(self):
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGCONT)
        self.pid = None
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []

    def close(self):
        self.halt()
        shutil.rmtree(self.dir, ignore_errors=True)

    def restart(self):
        self.halt()
        self.start()

    def load(self, mode, **options):
        command = [*self.command(), "--mode", mode]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LOAD_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name}: {mode} took more than {LOAD_SECONDS} s") from None
        if done.returncode != 0:
            raise Failure(f"{self.name}: {' '.join(map(str, command))}: {done.stderr.strip()}")
        return json.loads(done.stdout)


class Lazaret(Broker):
    durability = "fsync before the confirm, and before the confirm of an ack"

    def start(self):
        addresses = self.dir / "data/lazaretd.addresses"
        addresses.unlink(missing_ok=True)
        self.pid = self.run([BIN / "lazaretd", "--data-dir", self.dir / "data", "--listen", "127.0.0.1:0",
                             "--admin-listen", "127.0.0.1:0"]).pid
        self.wait_for(addresses.exists)
        self.address = json.loads(addresses.read_text())["broker"]

    def command(self):
        return [BIN / "lazaret", "--broker", self.address, "--json", "bench"]

    @staticmethod
    def version():
        program = subprocess.run([BIN / "lazaretd", "--version"], capture_output=True, text=True, check=True)
        commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
        return program.stdout.strip() + (f" ({commit.stdout.strip()})" if commit.returncode == 0 else "")


class LazaretRelaxed(Lazaret):
    durability = "the same daemon, queues of durability relaxed: confirm before the fsync, which comes within 200 ms"

    def load(self, mode, **options):
        return super().load(mode, **({} if mode == "drain" else {"durability": "relaxed"}), **options)


class Peer(Broker):
    """Its load is the program tests/bench/peers/<kind>_load.cpp."""

    kind = ""

    def command(self):
        return [self.clients / f"{self.kind}_load", "--port", str(self.port), "--pid", str(self.pid)]

    def wait_until_it_takes_messages(self):
        """It listens before that."""
        self.wait_for(lambda: listens(self.port))
        probe = [*self.command(), "--mode", "pubconfirm", "--count", "4", "--queue", "warm-up"]
        self.wait_for(lambda: subprocess.run(probe, capture_output=True).returncode == 0)

    @classmethod
    def version(cls):
        return f"{cls.title} {debian_version(cls.packages[0])}"


class Redis(Peer):
    kind, title, packages = "redis", "Redis", ("redis-server",)
    fsync = ""

    def start(self):
        self.port = free_port()
        self.pid = self.run(["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", self.dir,
                             "--appendonly", "yes", "--appendfsync", self.fsync, "--save", ""]).pid
        self.wait_until_it_takes_messages()


class RedisAlways(Redis):
    durability = "Streams, appendfsync always: fsync before every reply"
    fsync = "always"


class RedisEverysec(Redis):
    durability = "Streams, appendfsync everysec: reply before the fsync, which comes once a second"
    fsync = "everysec"


class Nats(Peer):
    kind, title, packages = "nats", "NATS", ("nats-server",)
    durability = "JetStream in files: PubAck before the fsync, which comes every two minutes (its default)"

    def start(self):
        self.port = free_port()
        self.pid = self.run(["nats-server", "--addr", "127.0.0.1", "--port", str(self.port), "--jetstream",
                             "--store_dir", self.dir / "jetstream"]).pid
        self.wait_until_it_takes_messages()


class RabbitMq(Peer):
    kind, title, packages = "rabbitmq", "RabbitMQ", ("rabbitmq-server",)
    durability = "quorum queue of one node: fsync before the confirm; acks are not confirmed"

    def start(self):
        self.port, distribution, mapper = free_port(), free_port(), free_port()
        (self.dir / "plugins").write_text("[].")
        pid_file = self.dir / "pid"
        pid_file.unlink(missing_ok=True)
        environment = {
            "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(self.dir),
            "ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_PORT": str(mapper),
            "RABBITMQ_NODENAME": "bench@localhost", "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port), "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(self.dir / "mnesia"), "RABBITMQ_LOG_BASE": str(self.dir / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.dir / "plugins"), "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(self.dir / "none"), "RABBITMQ_PID_FILE": str(pid_file),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }
        epmd = sorted(glob.glob("/usr/lib/erlang/erts-*/bin/epmd"))[-1]
        self.run([epmd], env=environment)
        self.wait_for(lambda: listens(mapper))
        self.run(["/usr/lib/rabbitmq/bin/rabbitmq-server"], env=environment)
        self.wait_for(pid_file.exists)
        self.pid = int(pid_file.read_text())
        self.wait_until_it_takes_messages()


SYSTEMS = {
    "lazaret": Lazaret,
    "redis-always": RedisAlways,
    "rabbitmq-quorum": RabbitMq,
    "lazaret-relaxed": LazaretRelaxed,
    "redis-everysec": RedisEverysec,
    "nats": Nats,
}


# --- All of them ------------------------------------------------------------------------------------------------------

class Fleet:
    """The brokers of a comparison. Each starts when it is first needed; those whose turn it is not are paused."""

    def __init__(self, scratch, clients):
        self.scratch, self.clients, self.running = scratch, clients, {}

    @contextlib.contextmanager
    def at_work(self, name):
        """A broker that fails is not used again: the next one begins anew."""
        try:
            if name in self.running:
                self.running[name].go_on()
            else:
                self.running[name] = SYSTEMS[name](name, self.scratch, self.clients)
                self.running[name].start()
                self.running[name].load("e2e", **WARM_UP)
            yield self.running[name]
            self.running[name].pause()
        except Failure:
            self.running.pop(name).close()
            raise

    def close(self):
        for broker in self.running.values():
            broker.close()


# --- Making them ready ------------------------------------------------------------------------------------------------

def install(systems):
    packages = sorted({package for name in systems for package in SYSTEMS[name].packages})
    state = [subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", package], capture_output=True,
                            text=True).stdout for package in packages]
    missing = [package for package, status in zip(packages, state) if status != "installed"]
    if not missing:
        return
    # Debian starts what it installs; this file is its way of being told not to.
    policy = pathlib.Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", *missing], check=True,
                       stdout=subprocess.DEVNULL)
    finally:
        if ours:
            policy.unlink()


def build_loads(systems, out):
    """One program for each kind of peer; the folder that they are in."""
    folder = out / "clients"
    folder.mkdir(parents=True, exist_ok=True)
    for kind in sorted({SYSTEMS[name].kind for name in systems if issubclass(SYSTEMS[name], Peer)}):
        subprocess.run(["g++", "-std=c++20", "-O2", "-pthread", LOADS / f"{kind}_load.cpp", "-o",
                        folder / f"{kind}_load"], check=True)
    return folder
