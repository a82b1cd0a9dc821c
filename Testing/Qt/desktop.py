"""The module's panel beside slice views, in a window of its own and without Slicer: ``make desktop``.

Opens on the MNI152 template, a head without its skull, for which the first model is ready.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--screenshot", type=Path, metavar="FILE", help="save a picture and end")
    parser.add_argument(
        "--segment", action="store_true", help="click Segment, and wait for the end"
    )
    parser.add_argument(
        "--volume",
        default="template",
        help="a file, or a sample: template, left_hippocampus, right_hippocampus",
    )
    parser.add_argument("--model", help="choose this model instead of the first")
    options = parser.parse_args(arguments)
    has_screen = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    if options.screenshot or (sys.platform == "linux" and not has_screen):
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if not options.screenshot and os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        parser.error("there is no screen (DISPLAY is empty); try --screenshot FILE")

    import standin

    standin.install()
    from driver.session import Desktop

    folder = options.screenshot.resolve().parent if options.screenshot else Path.cwd()
    desktop = Desktop(folder)
    desktop.open("CompactSeg")
    volume = _load(desktop, options.volume)
    desktop.ui.volumeSelector.setCurrentNode(volume)
    if options.model:
        _choose(desktop, options.model)
    if options.segment:
        _segment(desktop, volume)
    if options.screenshot:
        print(desktop.screenshot(options.screenshot.stem))
    else:
        # Dialogs are for the person at the screen.
        desktop.dialogs.close()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        standin.the_application().exec_()
    problems = desktop.close()
    print("\n".join(problems), file=sys.stderr, end="")
    return 1 if problems else 0


def _load(desktop, name: str):
    """A sample, or a volume of the user's own."""
    import slicer

    if Path(name).is_file():
        return slicer.util.loadVolume(name)
    return desktop.load(name)


def _choose(desktop, name: str) -> None:
    logic = desktop.panel.logic
    desktop.wait_until(lambda: logic.models, what="the models")
    names = [model.name for model in logic.models]
    if name not in names:
        sys.exit(f"{name}: expected one of {', '.join(names)}.")
    desktop.ui.modelTable.selectRow(names.index(name))


def _segment(desktop, volume) -> None:
    ui, logic = desktop.ui, desktop.panel.logic
    desktop.wait_until(lambda: ui.segmentButton.enabled, what="Segment to be enabled")
    desktop.click(ui.segmentButton)
    desktop.wait_until(lambda: logic.run is None, what="the end of the run", timeout=300)
    desktop.wait_until(lambda: logic.results(volume), what="results")


if __name__ == "__main__":
    sys.exit(main())
