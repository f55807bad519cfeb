"""What the comparison calls a difference: speeds at a recall, confidence intervals, noise.

Plain Python, so that its tests need nothing installed. A point is (recall, [qps of each
repetition]); a curve is a list of points.
"""
from __future__ import annotations

import math
import random
import statistics
from typing import Optional, Sequence

Point = tuple[float, Sequence[float]]

RESAMPLES = 400
CONFIDENCE = 0.95
# Below this share even the quietest run calls nothing a difference: layouts of code and memory
# alone move speeds by as much from one process to the next.
LEAST_NOISE = 0.02


def front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Of (recall, qps), those that no other beats in both, by rising recall."""
    best: list[tuple[float, float]] = []
    for point in sorted(points, key=lambda p: (-p[0], -p[1])):
        if not best or point[1] > best[-1][1]:
            best.append(point)
    return best[::-1]


def qps_at(points: Sequence[tuple[float, float]], recall: float) -> Optional[float]:
    """On the line through the points on either side, of log qps over recall; None: not reached."""
    before = None
    for reached, qps in front(points):
        if reached >= recall:
            if before is None or reached == before[0]:
                return qps
            share = (recall - before[0]) / (reached - before[0])
            return math.exp(math.log(before[1]) * (1 - share) + math.log(qps) * share)
        before = (reached, qps)
    return None


def medians(curve: Sequence[Point]) -> list[tuple[float, float]]:
    return [(recall, statistics.median(qps)) for recall, qps in curve if qps]


def quantile(values: Sequence[float], share: float) -> float:
    """Between the order statistics on either side."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def interval(values: Sequence[float]) -> tuple[float, float]:
    tail = (1 - CONFIDENCE) / 2
    return quantile(values, tail), quantile(values, 1 - tail)


def resampled(curve: Sequence[Point], source: random.Random) -> list[Point]:
    return [(recall, source.choices(qps, k=len(qps))) for recall, qps in curve if qps]


def speed(curve: Sequence[Point], recall: float) -> Optional[tuple[float, float, float]]:
    """The median speed at a recall and its interval, by resampling the repetitions."""
    middle = qps_at(medians(curve), recall)
    if middle is None:
        return None
    source = random.Random(42)
    samples = [qps_at(medians(resampled(curve, source)), recall) for _ in range(RESAMPLES)]
    return (middle, *interval([s for s in samples if s is not None]))


def noise(ours: Sequence[Point], again: Sequence[Point]) -> float:
    """How far two processes of the same program over the same file were apart, as a share.

    The 95th percentile of |log ratio| of the medians at the settings both were measured at.
    """
    logs = [abs(math.log(statistics.median(a) / statistics.median(b)))
            for (_, a), (_, b) in zip(ours, again) if a and b]
    return max(LEAST_NOISE, math.expm1(quantile(logs, CONFIDENCE)) if logs else 0)


def ratio(ours: Sequence[Point], theirs: Sequence[Point],
          recall: float) -> Optional[tuple[float, float, float]]:
    """How many times as fast `ours` is at a recall, and the interval of that."""
    mine, other = qps_at(medians(ours), recall), qps_at(medians(theirs), recall)
    if mine is None or other is None:
        return None
    source = random.Random(42)
    samples = []
    for _ in range(RESAMPLES):
        a = qps_at(medians(resampled(ours, source)), recall)
        b = qps_at(medians(resampled(theirs, source)), recall)
        if a and b:
            samples.append(a / b)
    return (mine / other, *interval(samples))


def verdict(compared: tuple[float, float, float], noise_share: float) -> str:
    """`faster`, `slower`, or `same`: a difference has to be more than noise and than chance."""
    middle, low, high = compared
    if abs(math.log(middle)) <= math.log1p(noise_share) or low <= 1 <= high:
        return "same"
    return "faster" if middle > 1 else "slower"
