"""Reports of progress: to a function, or drawn by tqdm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

# Called with the stage, what is done and of how much; False ends the work with kith.Cancelled.
Callback: TypeAlias = Callable[[str, int, int], Any]
Progress: TypeAlias = Callback | bool | None


@contextmanager
def as_callback(progress: Progress) -> Iterator[Callback | None]:
    """What the core calls for `progress`: None or False is nothing, True a bar of tqdm."""
    if progress is None or progress is False:
        yield None
    elif progress is not True:
        if not callable(progress):
            raise TypeError(
                f"progress must be callable, True or None, not {type(progress).__name__}"
            )
        yield progress
    else:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            raise ImportError(
                "progress=True draws with tqdm, which is not installed: pip install tqdm"
            ) from None
        with tqdm(desc="kith", unit_scale=True) as bar:

            def report(stage: str, done: int, total: int) -> None:
                bar.set_description(stage, refresh=False)
                bar.total = total
                bar.n = done
                bar.refresh()

            yield report
