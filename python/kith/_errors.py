"""The exceptions of kith that Python has none for."""


class CorruptFileError(ValueError):
    """A file contradicts itself or its checksums: it was damaged or cut short."""


class Cancelled(RuntimeError):
    """A progress callback returned False."""


class AnnoyFileError(OSError, CorruptFileError):
    """A file is damaged, or not an index of this metric and dimension.

    Annoy raises OSError where it notices, so this is one too.
    """


AnnoyFileError.__module__ = "kith.annoy"
CorruptFileError.__module__ = Cancelled.__module__ = "kith"
