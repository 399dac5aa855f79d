"""How fast the disk is right now: everything durable is made of syncs."""
import os
import statistics
import tempfile
import time

CALM_WITHIN = 20  # seconds; then a run is made on a busy disk, and its sync_us says so


def sync_us(folder):
    """How long a small append takes to reach the disk."""
    took = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(100):
            begin = time.perf_counter()
            os.write(file.fileno(), b"x" * 256)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - begin)
    return statistics.median(took) * 1e6


class Disk:
    """Waits until a sync takes what it takes at rest: what was deleted may keep the disk busy for a while."""

    def __init__(self, folder, probe=sync_us, clock=time):
        self.folder, self.probe, self.clock = folder, probe, clock
        self.at_rest = float("inf")  # the fastest so far

    def calm_sync_us(self):
        end = self.clock.monotonic() + CALM_WITHIN
        while True:
            took = self.probe(self.folder)
            self.at_rest = min(self.at_rest, took)
            if took <= 2 * self.at_rest or self.clock.monotonic() >= end:
                return took
            self.clock.sleep(0.5)
