"""The exceptions and warnings of kith that Python has none for."""


class CorruptFileError(ValueError):
    """A file contradicts itself or its checksums: it was damaged or cut short."""


class Cancelled(RuntimeError):
    """A progress callback returned False."""


class AnnoyFileError(OSError, CorruptFileError):
    """A file is damaged, or not an index of this metric and dimension.

    Annoy raises OSError where it notices, so this is one too.
    """


class DriftWarning(UserWarning):
    """Queries look unlike those that recall was measured with: it may be another than asked for.

    Given once for each index, by the search that noticed. ``Index.calibrate()`` with such queries
    mends it, and ``warnings.filterwarnings("ignore", category=kith.DriftWarning)`` silences it.
    """


class UnknownWordWarning(UserWarning):
    """A word that was asked for is not there; the rest of the query was answered."""


AnnoyFileError.__module__ = "kith.annoy"
CorruptFileError.__module__ = Cancelled.__module__ = DriftWarning.__module__ = "kith"
UnknownWordWarning.__module__ = "kith"
