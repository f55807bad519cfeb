"""What people listened to, and what they may like: artists like others, and whom to recommend what.

    pip install '.[examples]' && python examples/listening/listening.py

Writes similar.png, user.png and evaluation.png to build/listening, and prints what is in them. With
KITH_DATA=<folder> the plays are those of 1,892 listeners of Last.fm (its listening/); without, they
are made up.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from kith import recommend

BLUE, RED, GREY = "#1f5fa8", "#d1495b", "0.55"
SHADES = ("#1f5fa8", "#5b8cc4", "#97b9e0")
FACTORS = (4, 8, 16, 32, 64, 128)
GENRES = ("Jazz", "Metal", "Folk", "Techno", "Soul", "Opera", "Blues", "Punk")


def made_up() -> recommend.Plays:
    """Listeners of one genre and some of the next; the first artists of a genre are the popular."""
    rng = np.random.default_rng(7)
    users, artists, each = 800, 640, 20
    user_rows = np.repeat(np.arange(users), each)
    genre = (user_rows + (rng.random(users * each) < 0.3)) % len(GENRES)
    rank = (rng.random(users * each) ** 3 * (artists // len(GENRES))).astype(int)
    artist = rank * len(GENRES) + genre
    strange = rng.random(users * each) < 0.2
    artist[strange] = rng.integers(artists, size=strange.sum())
    return recommend.from_pairs(
        user_rows,
        artist,
        rng.integers(1, 200, size=users * each),
        users=[f"listener {u}" for u in range(users)],
        items=[f"{GENRES[a % len(GENRES)]} {a // len(GENRES) + 1}" for a in range(artists)],
    )


def load(folder: str | None) -> tuple[recommend.Plays, str, list[str], str]:
    """Plays, what they are called, some artists, and a listener."""
    if folder:
        files = Path(folder) / "listening"
        plays = recommend.read(files / "user_artists.dat", names=files / "artists.dat")
        asked = ["Radiohead", "Madonna", "Metallica", "Miles Davis", "Daft Punk", "Johnny Cash"]
        return plays, "Last.fm, 2011", asked, "2"
    print("KITH_DATA is not set: these plays are made up", file=sys.stderr)
    return made_up(), "made-up plays", [f"{genre} 1" for genre in GENRES[:6]], "listener 2"


def fitted(text: str, length: int = 26) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "\u2026"


def bars(axes: Any, names: list[str], values: Any, **how: Any) -> None:
    """Horizontal bars, the first at the top."""
    axes.barh(range(len(names)), values, **how)
    axes.set_yticks(range(len(names)), [fitted(name) for name in names], fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)
    for side in "top", "right", "left":
        axes.spines[side].set_visible(False)


def draw_similar(path: Path, model: recommend.Recommender, asked: list[str], source: str) -> None:
    ids, cosines = model.similar(asked, k=8)
    figure, all_axes = plt.subplots(2, 3, figsize=(10, 5.4), layout="constrained")
    for axes, name, row, cosine in zip(all_axes.flat, asked, ids, cosines, strict=True):
        names = [str(key) for key in model.items.keys_of(row)]
        print(f"like {name}: {', '.join(names)}")
        bars(axes, names, cosine, color=BLUE, height=0.62)
        axes.set_title(f"like {name}", fontsize=10, loc="left", fontweight="bold")
        axes.set_xlim(0, 1)
    figure.supxlabel(f"cosine of the factors ({source})", fontsize=9)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def draw_user(path: Path, model: recommend.Recommender, user: str, source: str) -> None:
    ids, scores = model.for_users(user, k=10)
    names = [str(key) for key in model.items.keys_of(ids[0])]
    figure, axes = plt.subplots(figsize=(8.4, 4.6), layout="constrained")
    bars(axes, names, scores[0], color="0.9", height=0.7)
    for row, name in enumerate(names):
        evidence = model.explain(user, name)[: len(SHADES)]
        left = 0.0
        for (_, part), shade in zip(evidence, SHADES, strict=True):
            axes.barh(row, part, left=left, color=shade, height=0.7)
            left += part
        text = ", ".join(fitted(because, 20) for because, _ in evidence)
        axes.text(max(left, scores[0, row]) + 0.01, row, text, va="center", fontsize=8, color="0.3")
        print(f"for {user}: {name}, because of {text}")
    axes.set_xlim(0, scores[0, 0] * 1.75)
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= scores[0, 0]])
    axes.set_xlabel(
        f"score for {user if ' ' in user else f'listener {user}'} ({source}); "
        "blue: the three artists known that speak most for it",
        fontsize=9,
    )
    figure.savefig(path, dpi=100)
    plt.close(figure)


def draw_evaluation(path: Path, plays: recommend.Plays, source: str) -> None:
    """Five artists of each listener are held out: are they among the ten recommended?"""
    train, test = plays.split("some", count=5)
    start = time.perf_counter()
    als = []
    for factors in FACTORS:
        with tempfile.TemporaryDirectory() as folder:
            model = recommend.factorize(train, folder, factors=factors)
            als.append(recommend.score(model.for_users(k=10)[0], test))
    print(f"six factorizations and ten artists for everyone, {time.perf_counter() - start:.2f} s")
    others = {
        "item cosine": recommend.score(recommend.by_cosine(train, 10), test),
        "popular": recommend.score(recommend.popular(train, 10), test),
    }
    figure, all_axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for axes, name in zip(all_axes, ("ndcg", "coverage"), strict=True):
        values = [getattr(one, name) for one in als]
        axes.plot(FACTORS, values, "o-", color=BLUE, markersize=4)
        top = int(np.argmax(values))
        axes.annotate(
            "ALS",
            (FACTORS[top], values[top]),
            (0, 6),
            textcoords="offset points",
            ha="center",
            color=BLUE,
            fontsize=9,
        )
        for (other, found), colour in zip(others.items(), (RED, GREY), strict=True):
            axes.axhline(getattr(found, name), color=colour, linewidth=1.2)
            axes.annotate(
                other,
                (1, getattr(found, name)),
                (4, 0),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                va="center",
                color=colour,
                fontsize=9,
            )
        axes.set_xscale("log", base=2)
        axes.set_xticks(FACTORS, [str(factors) for factors in FACTORS])
        axes.set_xlabel(f"factors ({source})", fontsize=9)
        title = "NDCG@10" if name == "ndcg" else "share of artists recommended to somebody"
        axes.set_title(title, fontsize=10, loc="left")
        most = max([*values, *(getattr(found, name) for found in others.values())])
        axes.set_ylim(0, 1.12 * most)
        for side in "top", "right":
            axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=100)
    plt.close(figure)
    rows = {**{f"als, {f} factors": s for f, s in zip(FACTORS, als, strict=True)}, **others}
    print(f"{'':>16}  recall@10  NDCG@10  MAP@10  coverage")
    for name, one in rows.items():
        print(
            f"{name:>16}  {one.recall:9.4f}  {one.ndcg:7.4f}  {one.map:6.4f}  {one.coverage:8.4f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path, default=Path("build/listening"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    plays, source, asked, user = load(os.environ.get("KITH_DATA"))
    print(
        f"{source}: {plays.shape[0]:,} listeners, {plays.shape[1]:,} artists, {len(plays):,} pairs"
    )
    model = recommend.factorize(plays, arguments.out / "model")
    draw_similar(arguments.out / "similar.png", model, asked, source)
    draw_user(arguments.out / "user.png", model, user, source)
    draw_evaluation(arguments.out / "evaluation.png", plays, source)


if __name__ == "__main__":
    main()
