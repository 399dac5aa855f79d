"""What is run, what is wanted of it, and whether it came out. No process is started here.

Figures are medians over the runs of a work; a ratio is one of medians.
"""
import statistics
from dataclasses import dataclass

# Peers whose confirm comes after an fsync, as Lazaret's does.
FSYNCING = ("redis-always", "rabbitmq-quorum")
BEST_FSYNCING = "the best fsyncing peer"


@dataclass(frozen=True)
class Work:
    name: str
    mode: str  # of the load (`lazaret bench --help`); recovery has brokers of its own
    size: int = 256
    producers: int = 4
    consumers: int = 4
    short: bool = False  # in the short run as well
    alone: bool = False  # of Lazaret only


WORKS = (
    Work("publish 256 B, 4", "pubconfirm", short=True),
    Work("consume 256 B, 4", "consume", short=True),
    Work("both at once 256 B, 4 and 4", "e2e", short=True),
    Work("publish 256 B, 1", "pubconfirm", producers=1, consumers=1),
    Work("consume 256 B, 1", "consume", producers=1, consumers=1),
    Work("both at once 256 B, 1 and 1", "e2e", producers=1, consumers=1),
    Work("publish 4 KiB, 4", "pubconfirm", size=4096),
    Work("both at once 4 KiB, 4 and 4", "e2e", size=4096, short=True),
    Work("confirm at 2,000/s", "latency", producers=1, consumers=1, short=True),
    # One producer is what four consumers keep up with.
    Work("both at once 256 B, 1 and 4", "e2e", producers=1, short=True, alone=True),
    Work("both at once 4 KiB, 1 and 4", "e2e", size=4096, producers=1, short=True, alone=True),
    Work("backlog of 1,000,000 × 256 B", "recovery", short=True, alone=True),
)


@dataclass(frozen=True)
class Figure:
    title: str
    shown: str  # a format
    of: object  # from the JSON of one run; KeyError where the mode does not have it


FIGURES = {
    "rate": Figure("messages a second", "{:,.0f}/s", lambda run: run["rate"]),
    "cpu": Figure("messages per CPU-second of the broker", "{:,.0f}", lambda run: run["msgs_per_broker_cpu_s"]),
    "disk": Figure("bytes written to the disk per byte published", "{:.2f}",
                   lambda run: run["disk_write_MB"] * 1e6 / (run["n"] * run["size"])),
    "p50": Figure("p50 of a confirm", "{:,.0f} us", lambda run: run["confirm_p50_us"]),
    "p99": Figure("p99 of a confirm", "{:,.0f} us", lambda run: run["confirm_p99_us"]),
    "memory": Figure("resident memory, before and after a kill -9", "{:.0f} MB",
                     lambda run: max(run["rss_backlog_MB"], run["rss_after_restart_MB"])),
    "start": Figure("kill -9 to the first message served", "{:.2f} s",
                    lambda run: (run["ready_ms"] + run["first_delivery_ms"]) / 1000),
}
FIGURES_OF_MODE = {
    "pubconfirm": ("rate", "cpu", "disk"), "consume": ("rate", "cpu"), "e2e": ("rate", "cpu", "disk"),
    "latency": ("p50", "p99"), "recovery": ("memory", "start"),
}


@dataclass(frozen=True)
class Bound:
    sign: str  # "≥" or "≤"
    factor: float
    of: str = ""  # a system, or BEST_FSYNCING; "" where the factor is the bound itself

    def __str__(self):
        return f"{self.sign} {self.factor:g}" + (f" × {self.of}" if self.of else "")


@dataclass(frozen=True)
class Wanted:
    name: str
    work: str
    figure: str
    must: tuple
    goal: tuple
    system: str = "lazaret"


def at_least(factor, of):
    return Bound("≥", factor, of)


def at_most(factor, of=""):
    return Bound("≤", factor, of)


def three_with_one_connection():
    for work in ("publish 256 B, 1", "consume 256 B, 1", "both at once 256 B, 1 and 1"):
        yield Wanted(work, work, "rate", (at_least(3, "rabbitmq-quorum"),), (at_least(1.3, "redis-always"),))


WANTED = (
    Wanted("publish 256 B, 4", "publish 256 B, 4", "rate",
           (at_least(3.5, "rabbitmq-quorum"), at_least(1, "redis-always")), (at_least(1.5, "redis-always"),)),
    Wanted("consume 256 B, 4", "consume 256 B, 4", "rate",
           (at_least(3, "rabbitmq-quorum"), at_least(2, "redis-always")), (at_least(3, "redis-always"),)),
    Wanted("both at once 256 B, 4 and 4", "both at once 256 B, 4 and 4", "rate",
           (at_least(4, "rabbitmq-quorum"), at_least(1.5, "redis-always")), (at_least(2, "redis-always"),)),
    *three_with_one_connection(),
    Wanted("publish 4 KiB, 4", "publish 4 KiB, 4", "rate",
           (at_least(1.7, "rabbitmq-quorum"),), (at_least(2.5, "rabbitmq-quorum"),)),
    Wanted("both at once 4 KiB, 4 and 4", "both at once 4 KiB, 4 and 4", "rate",
           (at_least(2.5, "rabbitmq-quorum"),), (at_least(3.5, "rabbitmq-quorum"),)),
    Wanted("messages per CPU-second, both at once 256 B", "both at once 256 B, 4 and 4", "cpu",
           (at_least(1.5, "redis-always"),), (at_least(3, "redis-always"),)),
    Wanted("confirm at 2,000/s, p50", "confirm at 2,000/s", "p50", (at_most(1.1, "redis-always"),), ()),
    Wanted("confirm at 2,000/s, p99", "confirm at 2,000/s", "p99",
           (at_most(0.8, BEST_FSYNCING),), (at_most(0.5, BEST_FSYNCING),)),
    Wanted("relaxed, both at once 256 B, 4 and 4", "both at once 256 B, 4 and 4", "rate",
           (at_least(1.3, "nats"), at_least(1, "redis-everysec")), (at_least(1.5, "redis-everysec"),),
           system="lazaret-relaxed"),
    Wanted("backlog of 1,000,000 × 256 B, memory in MB", "backlog of 1,000,000 × 256 B", "memory",
           (at_most(150),), ()),
    Wanted("the same, kill -9 to first message in s", "backlog of 1,000,000 × 256 B", "start", (at_most(0.5),), ()),
    Wanted("disk written per byte published, 256 B", "both at once 256 B, 1 and 4", "disk",
           (at_most(1.5),), (at_most(1.25),)),
    Wanted("disk written per byte published, 4 KiB", "both at once 4 KiB, 1 and 4", "disk",
           (at_most(1.15),), (at_most(1.05),)),
)


def order(systems, turn, turns):
    """Whose turn it is when: every round begins with another, so that no one always follows the same neighbour."""
    first = turn * max(len(systems) // turns, 1) % len(systems)
    return systems[first:] + systems[:first]


def medians(mode, runs):
    """figure -> its median over the runs of one system."""
    return {name: statistics.median(FIGURES[name].of(run) for run in runs) for name in FIGURES_OF_MODE[mode]}


def against(bound, figure, system_medians):
    """(what the factor is of, its value); (None, None) when that was not measured."""
    if not bound.of:
        return "", 1
    names = FSYNCING if bound.of == BEST_FSYNCING else (bound.of,)
    values = {name: system_medians[name][figure] for name in names if name in system_medians}
    if not values:
        return None, None
    best = min(values, key=values.get) if bound.sign == "≤" else max(values, key=values.get)
    return best, values[best]


def judge_bound(bound, figure, value, system_medians):
    """`line` is the value at which it is reached, `ratio` what the factor is compared with."""
    of, unit = against(bound, figure, system_medians)
    if value is None or unit is None:
        return {"bound": str(bound), "of": of, "line": None, "ratio": None, "reached": None}
    line = bound.factor * unit
    reached = value >= line if bound.sign == "≥" else value <= line
    return {"bound": str(bound), "of": of, "line": line, "ratio": value / unit, "reached": reached}


def verdict(judged):
    if not judged:
        return ""
    if any(bound["reached"] is False for bound in judged):
        return "missed"
    return "not measured" if any(bound["reached"] is None for bound in judged) else "reached"


def judge(measured, wanted=WANTED):
    """`measured`: work -> system -> figure -> median. One row for each that is wanted."""
    rows = []
    for want in wanted:
        of_systems = measured.get(want.work, {})
        value = of_systems.get(want.system, {}).get(want.figure)
        row = {"wanted": want.name, "work": want.work, "system": want.system, "figure": want.figure, "value": value}
        for kind in ("must", "goal"):
            row[kind] = [judge_bound(bound, want.figure, value, of_systems) for bound in getattr(want, kind)]
            row[f"{kind}_verdict"] = verdict(row[kind])
        rows.append(row)
    return rows
