"""One case from its file to its results, and whether a previous run did it already."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from CompactSegLib.cli.display import Bars, LevelRows, heading, show_result
from CompactSegLib.cli.inputs import Case
from CompactSegLib.cli.options import SegmentOptions
from CompactSegLib.cli.previous_results import (
    are_as_written,
    contents,
    files_of,
    is_of,
    other_input,
    own_files,
    picture_name,
    read_report,
    report_name,
    sized_hash,
)
from CompactSegLib.errors import InputError, OutputError
from CompactSegLib.files import check_writable, written_together
from CompactSegLib.paths import is_there, resolved

if TYPE_CHECKING:
    from CompactSegLib.inference.run import Run
    from CompactSegLib.inference.segmenter import Segmenter
    from CompactSegLib.model.model import Model
    from CompactSegLib.output.level import Level
    from CompactSegLib.volume.volume import Volume


@dataclass(frozen=True)
class ReadCase:
    """A case's volume, and what its files consisted of when it was read (see `contents`)."""

    volume: Volume
    made_of: dict[str, Any]


@dataclass(frozen=True)
class Runner:
    """Segments cases as asked, with one model; levels stop below `threshold`."""

    options: SegmentOptions
    segmenter: Segmenter
    threshold: float

    @property
    def model(self) -> Model:
        return self.segmenter.model

    def run(
        self, case: Case, bars: Bars, *, shows_levels: bool, read: ReadCase | None = None
    ) -> dict[str, Any]:
        """Segment one case and write its files, all or none; return its report.

        Args:
            case: The case.
            bars: To show how far it is.
            shows_levels: Print a row for each level.
            read: What `read` gave, where that was called ahead.
        """
        bars.start_case(case.name or case.path.name)
        read = read or self.read(case)
        volume, previous = read.volume, read_report(self.options.output, read.volume.name)
        self._check(read, previous)
        obsolete: list[str] = []
        with (
            written_together(
                self.options.output, last=report_name(volume.name), obsolete=obsolete
            ) as folder,
            ThreadPoolExecutor(1) as writer,
        ):
            names = [self._name_of(volume, n) for n in range(1, len(self.model.levels) + 1)]
            names += [picture_name(volume.name), report_name(volume.name)]
            check_writable(self.options.output, *names)
            # Half a second of imports, while level 1 is computed.
            writer.submit(_import_drawing)
            run = self.segmenter.start(volume)
            levels: list[Level] = []
            written = []
            for level in self._levels(run, bars, shows_levels=shows_levels):
                levels.append(level)
                path = folder / self._name_of(volume, level.number)
                # While the next level is computed.
                written.append(writer.submit(self._write_level, volume, level, path))
            bars.start_writing()
            for each in written:
                each.result()
            report = self._finish(run, levels, folder, read)
            obsolete += self._deeper_levels(previous, report)
        if shows_levels:
            with bars.out_of_the_way():
                show_result(report, [str(self.options.output / name) for name in files_of(report)])
        return report

    def run_to_file(self, case: Case, bars: Bars, *, shows_levels: bool) -> dict[str, Any]:
        """Segment one case and write its last level to the one file that was asked for; return the report."""
        bars.start_case(case.name or case.path.name)
        read = self.read(case)
        target, volume = self.options.output, read.volume
        if volume.source and resolved(target) in own_files(volume.source):
            raise InputError(
                f"{target}: expected a new file for the labels, but this belongs to the image; choose another name."
            )
        if is_there(target) and not self.options.overwrite:
            raise InputError(
                f"{target}: this file exists; choose another name, or pass --overwrite to replace it."
            )
        self._check(read, None)
        with written_together(target.parent, last=target.name) as folder:
            run = self.segmenter.start(volume)
            levels = list(self._levels(run, bars, shows_levels=shows_levels))
            bars.start_writing()
            self._write_level(volume, levels[-1], folder / target.name)
        files = {levels[-1].number: target.name}
        report = self._report(run, levels, files, datetime.now().astimezone(), read)
        if shows_levels:
            with bars.out_of_the_way():
                show_result(report, [str(target)])
        return report

    def read(self, case: Case) -> ReadCase:
        """Read a case; may be called ahead, in another thread."""
        from CompactSegLib.volume.reading import read_volume

        made_of = _contents(case, self.options.series)
        volume = read_volume(case.path, series=case.series or self.options.series)
        return ReadCase(volume if case.name is None else replace(volume, name=case.name), made_of)

    def _levels(self, run: Run, bars: Bars, *, shows_levels: bool) -> Iterator[Level]:
        rows = LevelRows(run.model)
        levels = run.levels(most=self.options.level, threshold=self.threshold, progress=bars.update)
        for level in levels:
            yield level
            if shows_levels:
                with bars.out_of_the_way():
                    if level.number == 1:
                        typer.echo(heading(run.volume, run.model))
                        typer.echo(rows.header())
                    typer.echo(rows.row(level))

    def is_done(self, case: Case) -> bool:
        """Whether a previous run on the same input, with the same model and options, left all files of a case."""
        report = read_report(self.options.output, case.name or "")
        return (
            report is not None
            and report.get("model_sha256") == self.model.weights_sha256
            and report.get("request") == self.options.for_report()
            and is_of(report, _contents(case, self.options.series))
            and are_as_written(self.options.output, report)
        )

    def _check(self, read: ReadCase, previous: dict[str, Any] | None) -> None:
        """What would only show after the first level was computed, and results that this run has no right to."""
        volume, other = read.volume, None
        if previous and volume.source:
            other = other_input(previous, volume.source.path, read.made_of)
        if other and not self.options.overwrite:
            raise InputError(
                f"{self.options.output / report_name(volume.name)}: these are the results of {other} and would be "
                "lost; choose another output folder, or pass --overwrite to replace them."
            )
        if self.options.format == "dicom-seg":
            from CompactSegLib.output.dicom_headers import source_headers

            source_headers(volume)

    def _name_of(self, volume: Volume, level: int) -> str:
        return f"{volume.name}_level-{level}{self.options.suffix}"

    def _write_level(self, volume: Volume, level: Level, path: Path) -> None:
        if self.options.format != "dicom-seg":
            level.save(path)
            return
        from CompactSegLib.output.dicom_seg import write_dicom_seg

        write_dicom_seg(
            level.labels,
            volume,
            label_list=level.structures,
            path=path,
            level=level.number,
            model_name=self.model.name,
        )

    def _report(
        self, run: Run, levels: list[Level], files: dict[int, str], date: datetime, read: ReadCase
    ) -> dict[str, Any]:
        from CompactSegLib.output.report import run_report

        report = run_report(
            levels,
            run.volume,
            model=run.model,
            run=run.info,
            threshold=self.threshold,
            date=date,
            files=files,
        )
        if run.volume.source:
            # As typed, another working folder would take another file for it.
            path = os.fsencode(run.volume.source.path.absolute()).decode("utf-8", "replace")
            report["input"] |= {"path": path, **read.made_of}
        report["request"] = self.options.for_report()
        return report

    def _finish(
        self, run: Run, levels: list[Level], folder: Path, read: ReadCase
    ) -> dict[str, Any]:
        """Draw the picture and write the report, the report last: where it is, all is there."""
        from CompactSegLib.output.picture import draw_levels
        from CompactSegLib.output.report import write_report

        volume, info, date = run.volume, run.info, datetime.now().astimezone()
        files = {level.number: self._name_of(volume, level.number) for level in levels}
        report = self._report(run, levels, files, date, read)
        report["picture"] = picture_name(volume.name)
        draw_levels(
            volume,
            levels,
            labels=run.model.labels,
            path=folder / report["picture"],
            subtitle=f"{self.model.title} ({self.model.name}) · {info.device}, {info.precision} · {date:%Y-%m-%d}",
        )
        try:
            report["files"] = {
                name: sized_hash(folder / name) for name in [*files.values(), report["picture"]]
            }
        except OSError as error:
            raise OutputError(
                f"{self.options.output}: expected the output folder to be left alone during a run, but files of it "
                "were removed; run again."
            ) from error
        write_report(report, folder / report_name(volume.name))
        return report

    def _deeper_levels(
        self, previous: dict[str, Any] | None, report: dict[str, Any]
    ) -> Iterator[str]:
        """Files of a previous run's levels that this one did not get to, which would pass for its own."""
        level = re.compile(
            rf"{re.escape(report['case'])}_level-\d+{re.escape(self.options.suffix)}"
        )
        return filter(level.fullmatch, set(files_of(previous or {})) - set(files_of(report)))


def runner_for(options: SegmentOptions) -> Runner:
    """What segments cases as asked, here.

    Raises:
        CompactSegError: A model, level, threshold or device that is none.
    """
    from CompactSegLib.inference.stop import checked_threshold
    from CompactSegLib.model.registry import load_model

    model = load_model(options.model)
    if options.level is not None:
        model.checked_level(options.level)
    threshold = model.threshold if options.threshold is None else options.threshold
    threshold = 0.0 if options.all_levels else checked_threshold(threshold)
    from CompactSegLib.inference.devices import keep_freed_memory
    from CompactSegLib.inference.segmenter import Segmenter
    from CompactSegLib.inference.threads import use_free_cores

    keep_freed_memory()
    use_free_cores()
    segmenter = Segmenter(
        model, device=options.device, precision=options.precision, tile=options.tile
    )
    return Runner(options, segmenter, threshold)


def _import_drawing() -> None:
    import matplotlib.figure  # noqa: F401
    from matplotlib.backends import backend_agg  # noqa: F401

    from CompactSegLib.output import picture  # noqa: F401


def _contents(case: Case, series: str | None) -> dict[str, Any]:
    """What a case consists of; nothing where that cannot be read, which reading it will tell."""
    chosen = {"series": case.series or series}
    try:
        return contents(case.path) | chosen
    except (OSError, ValueError):
        return {"bytes": 0, "sha256": None} | chosen
