"""Pareto fronts, speeds at equal recall, and the tables of graph_rivals.py."""
import math

RECALLS = [0.8, 0.9, 0.95, 0.99, 0.999]


def front(points):
    """Of points (setting, recall, qps), those that no other beats in both, by rising recall."""
    best = []
    for point in sorted(points, key=lambda p: (-p[1], -p[2])):
        if not best or point[2] > best[-1][2]:
            best.append(point)
    return best[::-1]


def qps_at(points, recall):
    """On the line through the points on either side, of log qps over recall; None: not reached."""
    before = None
    for _, r, qps in front(points):
        if r >= recall:
            if before is None or r == before[0]:
                return qps
            t = (recall - before[0]) / (r - before[0])
            return math.exp(math.log(before[1]) * (1 - t) + math.log(qps) * t)
        before = (r, qps)
    return None


def print_builds(results, rows):
    print(f"{'':42} {'build s':>9} {'bytes a vector':>15} {'peak MB':>8}")
    for result in results:
        costs = result["costs"]
        if costs is None:
            continue
        seconds = costs["cpu_seconds" if costs["busy"] else "seconds"]
        print(f"{result['name']:42} {seconds:8.1f}{'*' if costs['busy'] else ' '} "
              f"{costs['bytes'] / rows:15.0f} {costs['peak'] / 1e6:8.0f}")
    if any(r["costs"] and r["costs"]["busy"] for r in results):
        print("* others used the machine then: processor time, and slower than on a quiet one")


def print_speeds(results):
    """Queries a second at a recall, and how many times that kith is as fast."""
    ours = results[0]["points"]
    rows = [(r["name"], [r["points"]]) for r in results]
    for family in dict.fromkeys(r["family"] for r in results if r["family"] != "kith"):
        members = [r["points"] for r in results if r["family"] == family]
        if len(members) > 1:
            rows.append((f"best of {family}", members))
    print(f"\n{'qps (kith / it) at recall':42}" + "".join(f" {r:>16g}" for r in RECALLS))
    for name, members in rows:
        cells = []
        for recall in RECALLS:
            reached = [q for q in (qps_at(points, recall) for points in members) if q]
            if not reached:
                cells.append("-")
                continue
            kith = qps_at(ours, recall)
            ratio = f" ({kith / max(reached):5.2f}x)" if kith and members[0] is not ours else ""
            cells.append(f"{max(reached):.0f}{ratio}")
        print(f"{name:42}" + "".join(f" {cell:>16}" for cell in cells))


def print_points(results):
    for result in results:
        print(f"\n{result['name']:22} {'recall':>8} {'qps':>9}")
        for setting, recall, qps in front(result["points"]):
            print(f"{setting:>22} {recall:8.4f} {qps:9.0f}")


def write_curves(results, path):
    with open(path, "w") as file:
        file.write("name\tsetting\trecall\tqps\n")
        for result in results:
            for setting, recall, qps in front(result["points"]):
                file.write(f"{result['name']}\t{setting}\t{recall:.5f}\t{qps:.1f}\n")
