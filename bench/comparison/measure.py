"""Finds each system's settings worth measuring, then measures all in turn, round after round."""
from __future__ import annotations

import sys
import time
from dataclasses import dataclass

from data import DataSet
from processes import Entry, Failed, Process, evict
from stats import front
from systems import text

# A chain of settings ends where recall is as good as this, where two steps in a row each close less
# than this share of what is missing, or where it is as slow as this.
ENOUGH_RECALL = 0.9995
LEAST_STEP = 0.02
# Below this, little gained by a step says nothing: where a chain begins, nothing may be found yet.
IDLE_RECALL = 0.5
# The setting whose first query from a cold start is timed reaches this.
COLD_RECALL = 0.95
# Rounds that every point has, however slow it is.
LEAST_ROUNDS = 3
# Ways to ask: one query a call and all in one call, on one thread; all in one call on all threads.
MODES = ("one", "batch", "threads")


@dataclass
class Plan:
    rounds: int
    threads: int
    recalls: list[float]  # the settings on either side of these are measured
    seconds: float  # the least a measurement takes
    budget: float  # seconds for all rounds of a point, beyond which it has the least number
    deadline: float  # seconds for all rounds of a set, likewise
    least_qps: float
    cold_runs: int


class Measured:
    """An entry with its running process."""

    def __init__(self, entry: Entry, log):
        self.entry = entry
        self.process = Process(entry, log)
        before = self.process.memory()
        entry.facts["open_seconds"] = self.process.ask("open")["seconds"]
        entry.facts["memory"] = {"start": before, "opened": self.process.memory()}
        self.points: list[dict] = []
        self.bulk = "batch"

    def explore(self, data: DataSet, plan: Plan) -> None:
        """Recall of the settings, and speed roughly; keeps those worth measuring."""
        chains = self.entry.chains
        if "error" in self.process.search(text(chains[0][0]), "batch", 1, 0, False):
            self.bulk = "one"
            self.process.search(text(chains[0][0]), "one", 1, 0, False)
        found = []
        for chain in chains:
            before = idle_steps = 0
            for setting in chain:
                answer = self.process.search(text(setting), self.bulk, 1, plan.seconds / 2, True)
                recall = data.recall_of(answer["ids"])
                qps = len(answer["ids"]) * answer["passes"] / answer["cpu_seconds"]
                found.append((recall, qps, text(setting)))
                idle = recall > IDLE_RECALL and recall - before <= LEAST_STEP * (1 - before)
                idle_steps = idle_steps + 1 if idle else 0
                if recall >= ENOUGH_RECALL or qps < plan.least_qps or idle_steps == 2:
                    break
                before = recall
        # One chain is a front, whatever noise says; of several, parts are.
        if len(chains) > 1:
            best = front([(recall, qps) for recall, qps, _ in found])
            found = [point for point in found if point[:2] in best]
        chosen = worth_measuring(sorted(found), plan.recalls)
        self.take([(recall, setting) for recall, _, setting in chosen], plan)

    def take(self, settings: list[tuple[float, str]], plan: Plan) -> None:
        """To be measured, with the recalls they reach."""
        self.points = [{"setting": setting, "recall": recall,
                        **{mode: {"wall": [], "cpu": []} for mode in self.modes(plan)}}
                       for recall, setting in settings]

    def modes(self, plan: Plan) -> list[str]:
        return [mode for mode in MODES if (mode == "one" or self.bulk == "batch")
                and (mode != "threads" or plan.threads > 1)]

    def measure(self, num_queries: int, plan: Plan) -> None:
        """One round."""
        for point in self.points:
            for mode in self.modes(plan):
                speeds = point[mode]
                spent = sum(num_queries / qps for qps in speeds["wall"])
                if len(speeds["wall"]) >= LEAST_ROUNDS and spent > plan.budget:
                    continue
                answer = self.process.search(
                    point["setting"], "one" if mode == "one" else "batch",
                    plan.threads if mode == "threads" else 1, plan.seconds, False)
                answered = num_queries * answer["passes"]
                speeds["wall"].append(answered / answer["seconds"])
                speeds["cpu"].append(answered / answer["cpu_seconds"])

    def finish(self) -> None:
        self.entry.facts["memory"]["searched"] = self.process.memory()
        self.entry.facts["points"] = self.points


def worth_measuring(found: list[tuple[float, float, str]],
                    recalls: list[float]) -> list[tuple[float, float, str]]:
    """Of (recall, qps, setting) by rising recall, those beside the recalls asked for."""
    keep = {found[-1]}
    for wanted in recalls:
        below = [p for p in found if p[0] < wanted]
        above = [p for p in found if p[0] >= wanted]
        keep.update(above[:1])
        if above:
            keep.update(below[-1:])
    return sorted(keep)


def survive(entry: Entry, failed: dict, action) -> bool:
    """Whether the action succeeded; if it did not, the run says so and goes on without it."""
    try:
        action()
        return True
    except Failed as error:
        print(f"{entry.name}: {error}", file=sys.stderr, flush=True)
        failed[entry.name] = str(error)
        return False


def run(entries: list[Entry], data: DataSet, plan: Plan, failed: dict, log, say) -> list[Measured]:
    """All of them side by side; returns those that lasted, their facts filled in."""
    running: list[Measured] = []
    try:
        for entry in entries:
            survive(entry, failed, lambda: running.append(Measured(entry, log)))  # noqa: B023
        num_queries = len(data.queries)
        for one in list(running):
            say(f"exploring {one.entry.name}")
            if not survive(one.entry, failed, lambda: one.explore(data, plan)):  # noqa: B023
                running.remove(one)
        for one in running:
            for other in running:
                if one.entry.follows == other.entry.name:
                    one.take([(p["recall"], p["setting"]) for p in other.points], plan)
        begun = time.monotonic()
        for number in range(plan.rounds):
            if number >= LEAST_ROUNDS and time.monotonic() - begun > plan.deadline:
                say(f"no more rounds: they took longer than {plan.deadline:.0f} s")
                break
            say(f"round {number + 1} of {plan.rounds}")
            start = number % len(running)
            for one in running[start:] + running[:start]:
                if not survive(one.entry, failed,
                               lambda: one.measure(num_queries, plan)):  # noqa: B023
                    running.remove(one)
        for one in running:
            one.finish()
    finally:
        for one in running:
            one.process.close()
    return running


def cold_start(entry: Entry, plan: Plan, log) -> None:
    """The first query of a new process whose index is not in the page cache."""
    points = entry.facts["points"]
    setting = next((p for p in points if p["recall"] >= COLD_RECALL), points[-1])["setting"]
    runs = []
    for _ in range(plan.cold_runs):
        evict(entry.paths)
        process = Process(entry, log)
        runs.append({"start": process.start_seconds, "open": process.ask("open")["seconds"],
                     "first": process.ask("first", setting)["seconds"]})
        process.close()
    entry.facts["cold"] = {"setting": setting, "runs": runs}
