"""What tools/bench-compare makes of its runs: medians, ratios, verdicts, the order of turns, the page and the chart."""
import pathlib
import sys
import unittest
import xml.etree.ElementTree

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from comparison import report, works  # noqa: E402
from comparison.disk import CALM_WITHIN, Disk  # noqa: E402

EVERYBODY = ["lazaret", "redis-always", "rabbitmq-quorum", "lazaret-relaxed", "redis-everysec", "nats"]


def run(rate=1000, p99=500):
    """The JSON of one run of any mode."""
    return {"rate": rate, "n": 1000, "size": 256, "disk_write_MB": 0.32, "msgs_per_broker_cpu_s": 3 * rate,
            "confirm_p50_us": 100, "confirm_p99_us": p99, "rss_backlog_MB": 90, "rss_after_restart_MB": 120,
            "ready_ms": 200, "first_delivery_ms": 50, "sync_us": 140}


def measured(rates):
    """A work of which these rates were measured."""
    return {"a work": {name: works.medians("e2e", [run(rate)]) for name, rate in rates.items()}}


def judge(rates, must, goal=()):
    return works.judge(measured(rates), [works.Wanted("it", "a work", "rate", tuple(must), tuple(goal))])[0]


class Figures(unittest.TestCase):
    def test_are_medians_over_the_runs(self):
        self.assertEqual(works.medians("pubconfirm", [run(3), run(1), run(8)])["rate"], 3)

    def test_of_the_disk_are_per_byte_of_a_body(self):
        self.assertAlmostEqual(works.medians("e2e", [run()])["disk"], 1.25)

    def test_of_a_recovery_are_the_most_memory_and_the_whole_wait(self):
        self.assertEqual(works.medians("recovery", [run()]), {"memory": 120, "start": 0.25})


class Verdicts(unittest.TestCase):
    def test_reached_when_every_bound_is(self):
        row = judge({"lazaret": 300, "redis-always": 200, "rabbitmq-quorum": 100},
                    [works.at_least(3, "rabbitmq-quorum"), works.at_least(1, "redis-always")],
                    [works.at_least(2, "redis-always")])
        self.assertEqual((row["must_verdict"], row["goal_verdict"]), ("reached", "missed"))
        self.assertEqual([bound["ratio"] for bound in row["must"]], [3, 1.5])

    def test_missed_when_one_bound_is(self):
        row = judge({"lazaret": 299, "redis-always": 200, "rabbitmq-quorum": 100},
                    [works.at_least(3, "rabbitmq-quorum"), works.at_least(1, "redis-always")])
        self.assertEqual(row["must_verdict"], "missed")

    def test_what_was_not_measured_is_neither(self):
        must = [works.at_least(3, "rabbitmq-quorum"), works.at_least(1, "redis-always")]
        self.assertEqual(judge({"lazaret": 300, "redis-always": 200}, must)["must_verdict"], "not measured")
        self.assertEqual(judge({"lazaret": 100, "redis-always": 200}, must)["must_verdict"], "missed")
        self.assertEqual(judge({"redis-always": 200, "rabbitmq-quorum": 1}, must)["must_verdict"], "not measured")
        self.assertEqual(works.judge({}, works.WANTED)[0]["must_verdict"], "not measured")

    def test_of_latencies_are_against_the_best_that_syncs(self):
        of_systems = {"lazaret": {"p99": 400}, "redis-always": {"p99": 600}, "rabbitmq-quorum": {"p99": 500},
                      "nats": {"p99": 100}}
        bound = works.judge_bound(works.at_most(0.8, works.BEST_FSYNCING), "p99", 400, of_systems)
        self.assertEqual((bound["of"], bound["ratio"], bound["reached"]), ("rabbitmq-quorum", 0.8, True))
        bound = works.judge_bound(works.at_most(0.8, works.BEST_FSYNCING), "p99", 401, of_systems)
        self.assertEqual((bound["line"], bound["reached"]), (400, False))

    def test_of_numbers_by_themselves(self):
        self.assertTrue(works.judge_bound(works.at_most(1.5), "disk", 1.5, {})["reached"])
        self.assertFalse(works.judge_bound(works.at_most(1.5), "disk", 1.51, {})["reached"])

    def test_all_that_is_wanted_can_be_measured(self):
        modes = {work.name: work.mode for work in works.WORKS}
        for want in works.WANTED:
            self.assertIn(want.figure, works.FIGURES_OF_MODE[modes[want.work]], want.name)
            for bound in (*want.must, *want.goal):
                self.assertIn(bound.of, ("", works.BEST_FSYNCING, *EVERYBODY), want.name)


class Turns(unittest.TestCase):
    def test_everybody_has_one_in_every_round_and_none_is_always_first(self):
        rounds = [works.order(EVERYBODY, turn, 3) for turn in range(3)]
        for names in rounds:
            self.assertEqual(sorted(names), sorted(EVERYBODY))
        self.assertEqual(len({names[0] for names in rounds}), 3)
        self.assertEqual(works.order(["lazaret"], 2, 3), ["lazaret"])


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.now = 0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class Disks(unittest.TestCase):
    def calm(self, *probes):
        """What a disk gives that is asked once at rest (100 us), and then again when its syncs take `probes`."""
        self.clock, left = Clock(), [100, *probes]
        disk = Disk("/none", lambda _: left.pop(0) if len(left) > 1 else left[0], self.clock)
        disk.calm_sync_us()
        return disk.calm_sync_us()

    def test_are_waited_for_until_they_are_calm(self):
        self.assertEqual(self.calm(4000, 4000, 150), 150)
        self.assertEqual(self.clock.now, 1)

    def test_that_are_calm_are_not_waited_for(self):
        self.assertEqual(self.calm(200), 200)
        self.assertEqual(self.clock.now, 0)

    def test_that_stay_busy_are_not_waited_for_for_ever(self):
        self.assertEqual(self.calm(4000), 4000)
        self.assertEqual(self.clock.now, CALM_WITHIN)


class Reports(unittest.TestCase):
    def setUp(self):
        self.document = {
            "machine": "A machine", "method": "Medians", "fsyncing": ["lazaret", *works.FSYNCING],
            "systems": {name: {"version": f"{name} 1", "durability": "some"} for name in EVERYBODY}, "works": [],
        }
        for work in works.WORKS:
            systems = ["lazaret"] if work.alone else EVERYBODY
            runs = {name: [run(1000 - 100 * systems.index(name))] for name in systems}
            medians = {name: works.medians(work.mode, runs[name]) for name in systems}
            self.document["works"].append({"work": work.name, "mode": work.mode, "runs": runs, "failures": {},
                                           "medians": medians})
        by_name = {work["work"]: work["medians"] for work in self.document["works"]}
        self.document["wanted"] = works.judge(by_name)

    def test_the_page_has_a_row_for_all_that_is_wanted(self):
        page = report.markdown(self.document)
        for want in works.WANTED:
            self.assertIn(f"\n| {want.name} | ", page)
        self.assertNotIn("not measured", page)
        self.assertIn("fdatasync took 140 us (before single runs 140 to 140)", page)
        self.assertIn("1.25 (≥ 3.5 × rabbitmq-quorum); 1.11 (≥ 1 × redis-always) | missed |", page)

    def test_the_page_says_what_failed(self):
        self.document["works"][0]["failures"]["nats"] = "it\nended"
        self.assertIn("\npublish 256 B, 4 failed: nats: it ended\n", report.markdown(self.document))

    def test_the_chart_has_a_bar_for_everybody_in_every_work_and_can_be_read_in_the_dark(self):
        chart = report.chart(self.document)
        svg = xml.etree.ElementTree.fromstring(chart)
        bars = [bar for bar in svg.iter("{http://www.w3.org/2000/svg}rect") if bar.get("height") == "13"]
        self.assertEqual(len(bars), len(EVERYBODY) * sum(not work.alone for work in works.WORKS))
        self.assertIn("prefers-color-scheme: dark", chart)

    def test_a_chart_of_lazaret_alone_is_one_as_well(self):
        for work in self.document["works"]:
            work["medians"] = {"lazaret": work["medians"]["lazaret"]}
        xml.etree.ElementTree.fromstring(report.chart(self.document))


if __name__ == "__main__":
    unittest.main()
