"""A ``.ui`` file: which widgets it has, and what it says of them that their classes have not."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

from honesty.api import Api, plain
from honesty.kinds import exists, has_signal, member

# Designer's own: a label's buddy is set by its name once the form is made.
OF_DESIGNER = {"buddy"}


def widgets(path: Path) -> dict[str, str]:
    """Class of each named widget."""
    form = ElementTree.parse(path).getroot()
    return {each.get("name", ""): each.get("class", "") for each in form.iter("widget")}


def problems(api: Api, path: Path) -> Iterator[str]:
    """Classes, properties, signals and slots that are not there."""
    form = ElementTree.parse(path).getroot()
    classes = widgets(path)
    for widget in form.iter("widget"):
        name, cls = widget.get("name", ""), widget.get("class", "")
        if not exists(api, cls):
            yield f"{name}: there is no class {cls}"
            continue
        for each in widget.findall("property"):
            found = member(api, cls, each.get("name", ""))
            is_other = each.get("stdset") == "0" or each.get("name") in OF_DESIGNER
            if not is_other and (not found or found.kind != "property" or not found.writable):
                yield f"{name}: {cls} has no property {each.get('name')} that can be set"
    for each in form.iter("connection"):
        sender, signal = each.findtext("sender", ""), each.findtext("signal", "")
        receiver, slot = each.findtext("receiver", ""), each.findtext("slot", "")
        if not has_signal(api, classes[sender], signal):
            yield f"{sender}: {classes[sender]} has no signal {signal}"
        found = member(api, classes[receiver], slot.partition("(")[0])
        known = {plain(s) for s in found.signatures} if found and found.signatures else {slot}
        if found is None or found.kind != "method" or plain(slot) not in known:
            yield f"{receiver}: {classes[receiver]} has no slot {slot}"
