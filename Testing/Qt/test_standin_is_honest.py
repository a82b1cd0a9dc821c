"""The stand-in offers nothing that Slicer has not: same names, kinds and signatures."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from honesty.api import FILE, Api, counts, plain
from PySide6 import QtCore
from standin.classes import CTK, SLICER
from standin.widget import kinds

CLASSES = {**CTK, **SLICER}

PYTHON_MODULES = {
    "slicer.i18n": ("slicer.i18n",),
    "slicer.packaging": ("slicer.packaging",),
    "slicer.ScriptedLoadableModule": ("slicer.ScriptedLoadableModule",),
    "slicer.parameterNodeWrapper": (
        "slicer.parameterNodeWrapper.wrapper",
        "slicer.parameterNodeWrapper.validators",
        "slicer.parameterNodeWrapper.default",
        "slicer.parameterNodeWrapper.guiConnectors",
    ),
    "SampleData": ("SampleData",),
    "PyTorchUtils": ("PyTorchUtils",),
}


@pytest.fixture(scope="module")
def api() -> Api:
    if not FILE.is_file():
        pytest.skip("needs ../shared/slicer/slicer-api.json, the names that Slicer offers")
    return Api.read()


def qt_base_of(cls: type) -> type:
    return next(base for base in cls.__mro__ if base.__module__.startswith("PySide6"))


def offered_by(cls: type) -> dict[str, Any]:
    """Public names of the stand-in's class, but for what overrides Qt (an event handler, say)."""
    qt = qt_base_of(cls)
    return {
        name: value
        for base in cls.__mro__
        if base.__module__.startswith("standin.")
        for name, value in vars(base).items()
        if not name.startswith("_") and not hasattr(qt, name) and name != "staticMetaObject"
    }


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_is_one_of_slicers_with_the_same_base_of_qt(api, name):
    assert name in api.classes
    assert api.qt_base(name) == qt_base_of(CLASSES[name]).__name__


@pytest.mark.parametrize("name", CLASSES)
def test_what_a_class_offers_is_there_in_slicer(api, name):
    signatures = [plain(each) for each in getattr(CLASSES[name], "_signals", {})]
    wrong = [
        problem
        for member, value in offered_by(CLASSES[name]).items()
        if (problem := difference(api, name, member, value, signatures))
    ]
    assert not wrong


def difference(api: Api, cls: str, name: str, value: Any, signals: list[str]) -> str | None:
    """How a member differs from Slicer's; None where it does not."""
    real = api.member(cls, name)
    if real is None:
        return f"{cls}.{name} is not in Slicer"
    if isinstance(value, QtCore.Property):
        if real.kind != "property":
            return f"{cls}.{name} is a {real.kind} in Slicer, not a property"
        if kinds[value] != real.type:
            return f"{cls}.{name} is a {real.type} in Slicer, not a {kinds[value]}"
        can_write = value.fset is not None
        return f"{cls}.{name} can not be set in Slicer" if can_write and not real.writable else None
    if isinstance(value, QtCore.Signal):
        offered = {each for each in signals if each.partition("(")[0] == name}
        missing = offered - {plain(each) for each in real.signatures}
        return f"Slicer has no signal {missing}" if real.kind != "signal" or missing else None
    if real.kind != "method":
        return f"{cls}.{name} is a {real.kind} in Slicer, not a method"
    return wrong_arguments(f"{cls}.{name}", value, real.signatures)


def wrong_arguments(name: str, function: Any, signatures: list[str]) -> str | None:
    """A number of arguments that the stand-in takes and Slicer does not."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    least = sum(
        each.default is each.empty for each in parameters if each.kind != each.VAR_POSITIONAL
    )
    taken = range(least, len(parameters) + 1)
    ranges = [counts(each) for each in signatures]
    for count in taken:
        if not any(low <= count <= high for low, high in ranges):
            return f"{name} takes {count} arguments here, and in Slicer only {signatures}"
    return None


@pytest.mark.parametrize("module", PYTHON_MODULES)
def test_python_functions_have_slicers_signatures(api, module):
    import importlib

    here = importlib.import_module(module)
    there: dict[str, Any] = {}
    for part in PYTHON_MODULES[module]:
        there |= api.python[part] if part in api.python else _starting_with(api, part)
    names = getattr(here, "__all__", None) or [
        name
        for name, value in vars(here).items()
        if getattr(value, "__module__", None) == here.__name__ and not name.startswith("_")
    ]
    assert names
    wrong = [
        problem
        for name in names
        for problem in python_differences(f"{module}.{name}", getattr(here, name), there.get(name))
    ]
    assert not wrong


def _starting_with(api: Api, name: str) -> dict[str, Any]:
    return next(value for key, value in api.python.items() if key.startswith(name))


def python_differences(name: str, here: Any, there: Any) -> list[str]:
    """How a function, or the methods of a class, differ from Slicer's."""
    if there is None:
        return [f"{name} is not in Slicer"]
    if isinstance(there, str):
        return unknown_parameters(name, here, there)
    problems = []
    for method, value in vars(here).items():
        function = getattr(value, "__func__", value)
        if method.startswith("_") or not inspect.isfunction(function):
            continue
        if method not in there["methods"]:
            problems.append(f"{name}.{method} is not in Slicer")
        else:
            problems += unknown_parameters(f"{name}.{method}", function, there["methods"][method])
    return problems


def unknown_parameters(name: str, function: Any, there: str) -> list[str]:
    """Parameters that Slicer's has not, at another place, or that it demands and this one does not."""
    real = [each.strip() for each in there.strip("()").split(",") if each.strip()]
    names = [each.rstrip("?").lstrip("*") for each in real]
    here = list(inspect.signature(function).parameters.values())
    problems = []
    for index, parameter in enumerate(here):
        if parameter.name not in names:
            problems.append(f"{name} has no parameter {parameter.name} in Slicer: {there}")
        elif (
            parameter.kind is parameter.POSITIONAL_OR_KEYWORD
            and names.index(parameter.name) != index
        ):
            problems.append(f"{name}: {parameter.name} stands elsewhere in Slicer: {there}")
        elif parameter.default is not parameter.empty and parameter.name in real:
            problems.append(f"{name}: {parameter.name} is demanded in Slicer: {there}")
    return problems


def test_slicer_util_is_slicers_own():
    import slicer.util

    assert "standin" not in str(slicer.util.__file__)
    assert slicer.util.loadUI.__module__ == "slicer.util"


def test_a_name_that_slicer_has_not_is_found(api):
    class qMRMLNodeComboBox(CLASSES["qMRMLNodeComboBox"]):
        __module__ = "standin.made_up"

        def currentNodes(self):
            """No such thing."""

        def setCurrentNodeIndex(self):
            """Slicer's takes the index."""

    wrong = {
        name: difference(api, "qMRMLNodeComboBox", name, value, [])
        for name, value in vars(qMRMLNodeComboBox).items()
        if not name.startswith("_") and name != "staticMetaObject"
    }
    assert "not in Slicer" in wrong["currentNodes"]
    assert "0 arguments" in wrong["setCurrentNodeIndex"]
