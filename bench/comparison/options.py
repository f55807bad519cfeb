#!/usr/bin/env python3
"""kith beside the other libraries, on the same data, in one run that interleaves them.

Every system runs in a process of its own, which opens its index once. Round after round each is
asked in turn, beginning with another one every time: one query a call and all queries in one call
on one thread, and all in one call on all threads. kith runs twice, as two processes over the same
file; how far apart the two are is the noise, and no difference below it is called one. Recall@10 is
counted by distance against exact search, for all alike.

Written to build/bench/compare: SET.json with all that was measured, report.md, and the plots. The
rivals' indexes are kept with what their builds cost, in the folder KITH_RIVALS or
build/bench/rivals, so that a run that was ended begins where it was. KITH_DATA is the folder of the
data sets.
"""
from __future__ import annotations

import argparse
import os

from catalogue import ALL_SETS, QUICK_SETS, SETS


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/compare", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="SET",
                        help=f"of {', '.join(SETS)}; else all. With --quick there are others")
    parser.add_argument("--quick", action="store_true",
                        help=f"{', '.join(QUICK_SETS)} only, and fewer rounds: fifteen minutes "
                        "in all, on two cores")
    parser.add_argument("--threads", type=int, default=os.cpu_count(),
                        help="of the runs with many; else one for each core, %(default)s")
    parser.add_argument("--build-threads", type=int,
                        help="of all builds; else 1, and with --quick those of --threads")
    parser.add_argument("--reps", type=int, help="rounds; else 7, and 9 with --quick")
    parser.add_argument("--clock", choices=["auto", "wall", "cpu"], default="auto",
                        help="of what is done on one thread, in the report; both are measured. "
                        "auto takes processor time where others used the machine; else "
                        "%(default)s")
    parser.add_argument("--only", action="append", metavar="NAME",
                        help="rivals whose names contain it; may be given again")
    parser.add_argument("--kith", action="append", metavar="NAME",
                        choices=["compact", "forest", "exact"],
                        help="beside kith's graph only this of kith's: compact, forest or exact; "
                        "may be given again. Else all")
    parser.add_argument("--rebuild", action="append", metavar="NAME", default=[],
                        help="build anew the rivals whose names contain it; 'busy': those built "
                        "while others used the machine")
    parser.add_argument("--build-only", action="store_true", help="fill the cache and stop")
    parser.add_argument("--report-only", action="store_true",
                        help="measure nothing; report on the sets that were measured")
    parser.add_argument("--write-docs", action="store_true",
                        help="then put tables and plots into docs/benchmarks.md and docs/images")
    parser.add_argument("--out", default="build/bench/compare", help="else %(default)s")
    parser.add_argument("--data", default=os.environ.get("KITH_DATA"), help=argparse.SUPPRESS)
    parser.add_argument("--cache", default=os.environ.get("KITH_RIVALS", "build/bench/rivals"),
                        help=argparse.SUPPRESS)
    parser.add_argument("--bin", default="build/bench/bin", help=argparse.SUPPRESS)
    parser.add_argument("--unobtainable", default="build/rivals/unobtainable.tsv",
                        help=argparse.SUPPRESS)
    args = parser.parse_args()
    if not args.data and not args.report_only:
        parser.error("KITH_DATA is not set: it names the folder of the data sets")
    args.sets = args.sets or list(QUICK_SETS if args.quick else SETS)
    for name in args.sets:
        if name not in ALL_SETS:
            parser.error(f"no data set is called {name}; there are {', '.join(ALL_SETS)}")
    args.reps = args.reps or (9 if args.quick else 7)
    args.build_threads = args.build_threads or (args.threads if args.quick else 1)
    return args


if __name__ == "__main__":
    parse_arguments()  # which explains itself, or ends on what is wrong
