"""``python -m CompactSegLib.training``, or ``torchrun --nproc-per-node N -m`` the same for N processes."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import PurePath

from CompactSegLib.errors import CompactSegError


def main(arguments: list[str] | None = None) -> int:
    """Train from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m CompactSegLib.training",
        description="Train a net on a Decathlon folder and write it as a model folder.",
    )
    parser.add_argument("--data", required=True, help="Decathlon folder with dataset.json")
    parser.add_argument("--config", required=True, help="net configuration, JSON")
    parser.add_argument("--plan", help="training plan, JSON; what it leaves out keeps its default")
    parser.add_argument("--fold", default="0", help="fold to hold out, 0 to 4, or 'all'")
    parser.add_argument("--output", required=True, help="folder for checkpoints, log and model")
    parser.add_argument("--minutes", type=float, help="choose the steps to take about this long")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--threads", type=int, help="CPU threads of each process")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    given = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(given)
    try:
        _train(options, command=shareable_command([parser.prog, *given]))
    except CompactSegError as error:
        if options.debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    return 0


def _train(options: argparse.Namespace, *, command: str) -> None:
    from CompactSegLib.network.config import NetConfig
    from CompactSegLib.training.plan import TrainingPlan, read_json
    from CompactSegLib.training.run import train

    train(
        TrainingPlan.read(options.plan) if options.plan else TrainingPlan(),
        NetConfig.from_dict(read_json(options.config)),
        data=options.data,
        output=options.output,
        fold=_fold(options.fold),
        minutes=options.minutes,
        device=options.device,
        threads=options.threads,
        command=command,
    )


def shareable_command(words: list[str]) -> str:
    """A command for a model's provenance, of paths only the last part: models travel, folders do not."""
    return " ".join(
        [
            words[0],
            *(shlex.quote(PurePath(word).name if "/" in word else word) for word in words[1:]),
        ]
    )


def _fold(text: str) -> int | None:
    from CompactSegLib.errors import ConfigurationError

    if text == "all":
        return None
    if not text.isdecimal():
        raise ConfigurationError(f"fold: expected 0 to 4 or 'all', got {text!r}.")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
