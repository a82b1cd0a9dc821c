"""What can go wrong for a user, each with one sentence: the file, what was expected, what came.

Only these reach the user as a sentence; anything else is a fault of the program.
"""

__all__ = [
    "Cancelled",
    "CompactSegError",
    "ConfigurationError",
    "DeviceError",
    "InputError",
    "ModelError",
    "OutputError",
]


class CompactSegError(Exception):
    """Base of every error whose message is meant for the person who runs CompactSeg."""


class InputError(CompactSegError):
    """An image, a DICOM folder or an argument that cannot be used as given."""


class OutputError(CompactSegError):
    """A result that could not be written; nothing partial is left behind."""


class ModelError(CompactSegError):
    """A model folder that is damaged, foreign, of another schema, or not found."""


class ConfigurationError(CompactSegError):
    """A net or training configuration that does not describe something buildable."""


class DeviceError(CompactSegError):
    """A device that is absent, or on which the computation failed."""


class Cancelled(CompactSegError):
    """The run was cancelled on request; what was finished before remains valid."""
