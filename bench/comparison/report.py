"""The tables of bench/compare out of its results, in Markdown; what the plots show; the document.

Nothing here measures: the same results always give the same text.
"""
from __future__ import annotations

import json
import statistics

import stats
from machine import BUSY_CORES

MODE_TITLES = {
    "batch": "One thread, all queries in one call",
    "threads": "{threads} threads, all queries in one call",
    "one": "One thread, one query a call",
}
# Builds are timed once: below this share they are not called different.
BUILD_NOISE = 0.1
# Where a call alone costs this share of the time, Python is measured and not the library.
CALL_SHARE = 0.1
BEGIN, END = "<!-- written by bench/compare --write-docs -->", "<!-- end of what it wrote -->"


def recalls(result: dict) -> list[float]:
    """Of the tables; what is below serves the plots."""
    return [recall for recall in result["recalls"] if recall >= 0.9]


def rounds(result: dict) -> str:
    most = max(len(p[mode]["wall"]) for s in result["systems"] for p in s["points"]
               for mode in MODE_TITLES if mode in p)
    return str(most)


def curve(result: dict, system: dict, mode: str) -> list[stats.Point]:
    """By the clock asked for: several threads are always timed by the wall's."""
    clock = "wall" if mode == "threads" else result["clock"]
    return [(p["recall"], p[mode][clock]) for p in system["points"] if mode in p]


def find(result: dict, name: str) -> dict:
    return next(s for s in result["systems"] if s["name"] == name)


def shown(result: dict) -> list[dict]:
    return [s for s in result["systems"] if s["name"] != "kith, again"]


def noise(result: dict, mode: str) -> float:
    ours, again = (curve(result, find(result, name), mode) for name in ("kith", "kith, again"))
    return stats.noise(ours, again)


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def times(ratio: float) -> str:
    digits = 0 if ratio >= 9.95 else 1 if ratio >= 1.2 else 2
    return f"{ratio:.{digits}f}×"


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] + ["--:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def call_microseconds(result: dict, system: dict) -> float | None:
    """What a call costs on top: at the cheapest setting, one a call less all in one call.

    None where there is no call for many, so that nobody knows.
    """
    if system["package"] == "kith":
        return 0.0
    if "batch" not in system["points"][0]:
        return None
    one, batch = (1e6 / statistics.median(curve(result, system, mode)[0][1])
                  for mode in ("one", "batch"))
    return max(0.0, one - batch)


def speed_cell(result: dict, system: dict, mode: str, recall: float, noise_share: float) -> str:
    ours = find(result, "kith")
    found = stats.speed(curve(result, system, mode), recall)
    if found is None:
        return "–"
    middle, low, high = found
    cell = f"{middle:,.0f} ±{50 * (high - low) / middle:.0f} %"
    compared = None if system is ours else stats.ratio(
        curve(result, ours, mode), curve(result, system, mode), recall)
    if compared is None:
        return cell
    call = call_microseconds(result, system) if mode == "one" else None
    if call is not None and call > CALL_SHARE * 1e6 / middle:
        return f"{cell} ·†"
    what = stats.verdict(compared, noise_share)
    if what == "same":
        return f"{cell} · ="
    return f"{cell} · {times(compared[0])}" if what == "faster" else \
        f"{cell} · **{times(compared[0])}**"


def speeds(result: dict, mode: str) -> str:
    share = noise(result, mode)
    rows = []
    for system in shown(result):
        if not curve(result, system, mode):
            continue
        row = [speed_cell(result, system, mode, recall, share) for recall in recalls(result)]
        if mode == "one":
            call = call_microseconds(result, system)
            row.insert(0, "–" if system["package"] == "kith" else
                       "unknown" if call is None else f"{call:.1f}")
        rows.append([system["name"], *row])
    extra = ["a call, µs"] if mode == "one" else []
    title = MODE_TITLES[mode].format(threads=result["threads"])
    if result["clock"] == "cpu" and mode != "threads":
        title += ", processor time"
    return (f"**{title}.** Noise: {percent(share)}.\n\n"
            + table(["queries/s at recall", *extra, *map(str, recalls(result))], rows))


def megabytes(count: float) -> str:
    return f"{count / 1e6:,.0f}" if count >= 1e7 else f"{count / 1e6:.1f}"


def memory_of(system: dict, when: str) -> dict:
    memory = system["memory"]
    return {kind: max(0, memory[when][kind] - memory["start"][kind]) for kind in ("anon", "file")}


def cold_milliseconds(system: dict) -> list[float]:
    return [1e3 * (run["open"] + run["first"]) for run in system["cold"]["runs"]]


def build_seconds(build: dict) -> float:
    """Processor time where others used the machine, if that says the same."""
    return build["cpu_seconds" if build["busy"] and build["threads"] == 1 else "seconds"]


def costs(result: dict) -> str:
    rows = []
    for system in shown(result):
        build, after = system["build"], memory_of(system, "searched")
        opened = memory_of(system, "opened")
        cells = [f"{build_seconds(build):.1f}{'*' if build['busy'] else ''}",
                 f"{system['bytes'] / result['rows']:,.0f}", megabytes(build["peak"]),
                 megabytes(sum(opened.values())),
                 f"{megabytes(after['anon'])} + {megabytes(after['file'])}"]
        if "cold" in system:
            runs = system["cold"]["runs"]
            start, opening, first = (1e3 * statistics.median(run[part] for run in runs)
                                     for part in ("start", "open", "first"))
            whole = statistics.median(cold_milliseconds(system))
            cells += [f"{start:,.0f}", f"{opening:,.1f}", f"{first:,.1f}", f"{whole:,.1f}"]
        else:
            cells += ["–"] * 4
        rows.append([system["name"], *cells])
    threads = result["build_threads"]
    text = table(["", f"build, s, {threads} thread{'s' if threads > 1 else ''}", "bytes a vector",
                  "peak of build, MB", "opened, MB", "searched, MB: own + mapped",
                  "cold: start, ms", "open", "first query", "open + first"], rows)
    if any(s["build"]["busy"] for s in shown(result)):
        text += ("\n\\* Others used the machine meanwhile: slower than on a quiet one"
                 + ("; processor time.\n" if threads == 1 else ".\n"))
    builds = [f"{build_seconds(b):.1f} s on {b['threads']}{'*' if b['busy'] else ''}"
              for b in find(result, "kith")["builds"]]
    return text + f"\nkith's graph is built in {', '.join(builds)} (threads).\n"


def slower_speeds(result: dict, mode: str) -> list[str]:
    ours, share, lines = find(result, "kith"), noise(result, mode), []
    for recall in recalls(result):
        worse = []
        for system in shown(result):
            theirs = curve(result, system, mode)
            compared = stats.ratio(curve(result, ours, mode), theirs, recall)
            unreached = not compared and stats.qps_at(stats.medians(theirs), recall)
            if unreached and system["package"] != "kith":
                worse.append(f"{system['name']} (kith's graph does not reach it)")
            elif compared and stats.verdict(compared, share) == "slower":
                worse.append(f"{system['name']} ({times(1 / compared[0])} as fast)")
        if worse:
            title = MODE_TITLES[mode].format(threads=result["threads"])
            lines.append(f"{title}, recall {recall}: {', '.join(worse)}")
    return lines


def losses(result: dict) -> list[str]:
    """Wherever another system is better than kith's graph, beyond noise."""
    ours = find(result, "kith")
    rivals = [s for s in shown(result) if s["package"] != "kith"]
    lines = [line for mode in MODE_TITLES if curve(result, ours, mode)
             for line in slower_speeds(result, mode)]

    def smaller(what: str, value, margin: float = 0.02) -> None:
        mine = value(ours)
        names = [f"{s['name']} ({times(mine / max(value(s), 1e-9))})" for s in rivals
                 if value(s) * (1 + margin) < mine]
        if names:
            lines.append(f"{what}: {', '.join(names)}")

    if result["build_threads"] == 1 or not any(s["build"]["busy"] for s in [ours, *rivals]):
        smaller("Built faster, by", lambda s: build_seconds(s["build"]), BUILD_NOISE)
    else:
        lines.append("Builds are not compared, for others used the machine during some")
    smaller("Smaller files, by", lambda s: s["bytes"])
    smaller("Less memory in the build, by", lambda s: s["build"]["peak"], BUILD_NOISE)
    smaller("Less memory after the queries, by",
            lambda s: sum(memory_of(s, "searched").values()), BUILD_NOISE)
    if "cold" in ours:
        best = min(cold_milliseconds(ours))
        names = [s["name"] for s in rivals if "cold" in s and max(cold_milliseconds(s)) < best]
        if names:
            lines.append(f"Faster cold first query: {', '.join(names)}")
    return lines


def not_measured(results: list[dict], left_out: dict[str, str]) -> str:
    """`left_out` says of sets that could not be made why."""
    lines = {f"- the data set {name}: not made: {why}": None for name, why in left_out.items()}
    for result in results:
        for name, why in result["unobtainable"].items():
            lines[f"- {name}: not obtainable here: {why}"] = None
        for name, why in result["failed"].items():
            lines[f"- {name}, {result['title']}: failed: {why}"] = None
    return "\n".join(lines) + "\n\n" if lines else ""


def setting_up(results: list[dict]) -> str:
    last = max(results, key=lambda r: r["started"])
    box = last["machine"]
    versions = {s["package"]: s["version"] for r in results for s in r["systems"]
                if "version" in s}
    text = (f"Machine: {box['cpu']} ({box['family']}; {', '.join(box['features'])}), "
            f"{box['cores']} cores{', virtual' if box['hypervisor'] else ''}, "
            f"{box['memory_gb']} GB; "
            f"{', '.join(f'{k} {v}' for k, v in box['caches'].items())}. "
            f"Linux {box['kernel']}, {box['compiler']}, Python {box['python']}.\n\n"
            f"Versions: kith {last['kith']['version']} at {last['kith']['commit']}, "
            + ", ".join(f"{k} {v}" for k, v in sorted(versions.items())) + ".\n\n")
    rows = [[r["title"], f"{r['rows']:,} × {r['dim']} {r['dtype']}", r["metric"],
             f"{r['queries']:,}", f"`{r['sha256']['base'][:16]}`",
             f"`{r['sha256']['queries'][:16]}`", r["started"][:16].replace("T", " "),
             r["kith"]["commit"], rounds(r), f"{r['busy_cores']:.2f}"] for r in results]
    loud = [r["title"] for r in results if r["busy_cores"] > BUSY_CORES]
    if loud:
        text += (f"**Others used the machine** while these were measured: {', '.join(loud)}. "
                 "What is on one thread is processor time there; what is on several, cold starts "
                 "and memory bandwidth are better on a quiet machine.\n\n")
    return text + table(["data", "vectors", "metric", "queries", "SHA-256 of the file, first 16",
                         "of the queries", "measured, UTC", "kith", "rounds",
                         "cores busy with others"], rows) + "\n"


def markdown(results: list[dict], left_out: dict[str, str] | None = None) -> str:
    parts = [setting_up(results), not_measured(results, left_out or {})]
    for result in results:
        parts.append(f"### {result['title']}\n\n")
        for mode in MODE_TITLES:
            if curve(result, find(result, "kith"), mode):
                parts.append(speeds(result, mode) + "\n")
        parts.append("**Costs.**\n\n" + costs(result) + "\n")
        worse = losses(result)
        parts.append("**Where kith loses.** " + ("\n\n" + "".join(f"- {w}\n" for w in worse)
                                                if worse else "Nowhere beyond noise.\n") + "\n")
    return "".join(parts).rstrip() + "\n"


def write_figures(results: list[dict], path: str) -> None:
    """What the plots show, for figures.py, which runs where Matplotlib is."""
    threads = {result["build_threads"] for result in results}
    build = f"build, s, threads: {', '.join(map(str, sorted(threads)))}"
    panels = [{
        "title": result["title"], "threads": result["threads"],
        "curves": {mode: {s["name"]: stats.front(stats.medians(curve(result, s, mode)))
                          for s in shown(result) if curve(result, s, mode)}
                   for mode in MODE_TITLES},
        "costs": {s["name"]: {
            build: build_seconds(s["build"]),
            "bytes a vector": s["bytes"] / result["rows"],
            "memory, MB": sum(memory_of(s, "searched").values()) / 1e6,
            "cold first query, ms": statistics.median(cold_milliseconds(s)),
        } for s in shown(result) if "cold" in s},
    } for result in results]
    with open(path, "w") as file:
        json.dump(panels, file, indent=1)


def write_docs(path: str, text: str) -> None:
    """Replaces what an earlier run wrote."""
    with open(path) as file:
        before, _, rest = file.read().partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"{path}: the lines {BEGIN} and {END} are not there")
    with open(path, "w") as file:
        file.write(f"{before}{BEGIN}\n\n{text}\n{END}{after}")
