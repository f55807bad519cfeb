"""The exceptions of kith that Python has none for."""


class CorruptFileError(ValueError):
    """A file contradicts itself or its checksums: it was damaged or cut short."""


class Cancelled(RuntimeError):
    """A progress callback returned False."""


CorruptFileError.__module__ = Cancelled.__module__ = "kith"
