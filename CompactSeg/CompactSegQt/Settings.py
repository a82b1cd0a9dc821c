"""Settings of this computer, which no scene carries along."""

import qt

__all__ = ["Settings"]

_WORKER_COMMAND = "CompactSeg/WorkerCommand"


class Settings:
    """What is kept from one start of the application to the next."""

    @property
    def workerCommand(self) -> str:
        """What starts the worker; "" for Slicer's own Python."""
        return str(qt.QSettings().value(_WORKER_COMMAND) or "")

    @workerCommand.setter
    def workerCommand(self, command: str) -> None:
        if command.strip():
            qt.QSettings().setValue(_WORKER_COMMAND, command.strip())
        else:
            qt.QSettings().remove(_WORKER_COMMAND)
