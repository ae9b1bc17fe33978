"""Every error rtsynth raises on purpose.

    RtsynthError                 anything below; `code` is what the wire calls it
    ├── UsageError               a command line that cannot be understood
    ├── ValueRangeError          a value outside its legal range
    ├── UnknownNameError         no such parameter, event, command or device
    ├── FileFormatError          a file that is not what it says, or is damaged
    │   └── NewerVersionError    a file written by a later rtsynth
    ├── AudioFileError           a sound file that is missing, unreadable or unusable
    ├── DeviceError              an audio device that cannot be opened or was lost
    ├── PortInUseError           a network port somebody else holds
    ├── ProtocolError            bytes from the wire that are no command
    ├── QueueFullError           the engine's inbox has no room; send again later
    └── CapacityError            more events, modes or resonances than the engine was built for

A message shows the value, what is legal and what to do. Thread: any.
"""

from typing import ClassVar

__all__ = [
    "AudioFileError",
    "CapacityError",
    "DeviceError",
    "FileFormatError",
    "NewerVersionError",
    "PortInUseError",
    "ProtocolError",
    "QueueFullError",
    "RtsynthError",
    "UnknownNameError",
    "UsageError",
    "ValueRangeError",
]


class RtsynthError(Exception):
    """Base of the tree.

    Attributes:
        code: stable name of the kind of error, the same on the wire and in a test.
        field: the argument or file field at fault, where there is one.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class UsageError(RtsynthError):
    """A command line that cannot be understood."""

    code = "usage"


class ValueRangeError(RtsynthError):
    """A value outside its legal range."""

    code = "bad_value"


class UnknownNameError(RtsynthError):
    """No such parameter, event, command or device."""

    code = "unknown_name"


class FileFormatError(RtsynthError):
    """A file that is not what it says, or is damaged."""

    code = "bad_file"


class NewerVersionError(FileFormatError):
    """A file written by a later rtsynth."""

    code = "newer_version"


class AudioFileError(RtsynthError):
    """A sound file that is missing, unreadable or unusable."""

    code = "bad_audio"


class DeviceError(RtsynthError):
    """An audio device that cannot be opened or was lost."""

    code = "device"


class PortInUseError(RtsynthError):
    """A network port somebody else holds."""

    code = "port_in_use"


class ProtocolError(RtsynthError):
    """Bytes from the wire that are no command."""

    code = "bad_message"


class QueueFullError(RtsynthError):
    """The engine's inbox has no room; send again later."""

    code = "queue_full"


class CapacityError(RtsynthError):
    """More events, modes or resonances than the engine was built for."""

    code = "capacity"
