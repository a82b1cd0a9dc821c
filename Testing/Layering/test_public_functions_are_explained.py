"""What is offered by name is explained: each argument of two and more, shapes of arrays, errors raised."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator

import pytest

from CompactSegLib import errors
from Testing.repository import REPOSITORY

ARRAYS = ("ndarray", "NDArray", "Tensor")
SECTION = re.compile(r"\n(?:Args|Attributes|Example|Raises|Returns|Yields):\n|\Z")
# Of a frame, a batch or any number of dimensions: ``(K, J, I)``, ``(I, J, K[, C])``.
SHAPE = re.compile(r"[Oo]f any shape|\([\w*+/ ]+(, [\w*+/ \[\],.]+)+\)")


def section(docstring: str, name: str) -> str:
    """The lines of one section of a Google docstring."""
    _, _, rest = f"\n{docstring}".partition(f"\n{name}:\n")
    return rest[: found.start()] if (found := SECTION.search(rest)) else rest


def entries(text: str) -> dict[str, str]:
    """What is said of each name of a section: one more line belongs to the name above it."""
    told: dict[str, str] = {}
    for line in text.splitlines():
        if match := re.match(r" {4}\**(\w+): (.*)", line):
            name, told[match[1]] = match[1], match[2]
        elif told:
            told[name] += f" {line.strip()}"
    return told


def missing_of(function: ast.FunctionDef, docstring: str) -> list[str]:
    """What a docstring does not say of a function."""
    arguments = function.args
    given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    given += [each for each in (arguments.vararg, arguments.kwarg) if each]
    given = [each for each in given if each.arg not in ("self", "cls")]
    told = entries(section(docstring, "Args"))
    missing = [f"argument {each.arg}" for each in given if len(given) > 1 and each.arg not in told]
    missing += _shapeless({a.arg: a.annotation for a in given if a.arg in told}, told)
    return missing + _untold_errors(function, docstring)


def _untold_errors(function: ast.FunctionDef, docstring: str) -> list[str]:
    raised = {
        # A value that is not as expected is an error of the configuration that holds it.
        ast.unparse(node.exc.func).replace("Invalid", "ConfigurationError")
        for node in ast.walk(function)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
    }
    told = entries(section(docstring, "Raises"))
    if "CompactSegError" in told:
        raised -= set(errors.__all__)
    return [f"error {name}" for name in sorted(raised) if name not in told]


def missing_of_fields(fields: ast.ClassDef, docstring: str) -> list[str]:
    """What a docstring does not say of a data class."""
    kinds = {
        node.target.id: node.annotation
        for node in fields.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    told = entries(section(docstring, "Attributes"))
    public = [name for name in kinds if not name.startswith("_")]
    missing = [f"field {name}" for name in public if len(public) > 1 and name not in told]
    return missing + _shapeless({name: kinds[name] for name in public if name in told}, told)


def _shapeless(kinds: dict[str, ast.expr | None], told: dict[str, str]) -> list[str]:
    return [
        f"shape of {name}"
        for name, kind in kinds.items()
        if kind
        and any(word in ast.unparse(kind) for word in ARRAYS)
        and not SHAPE.search(told[name])
    ]


def faces(node: ast.FunctionDef | ast.ClassDef) -> Iterator[tuple[str, list[str]]]:
    """A public function, or a public class and its public methods, each with what is not said of it."""
    own = inspect.cleandoc(ast.get_docstring(node) or "")
    if isinstance(node, ast.FunctionDef):
        yield node.name, missing_of(node, own)
        return
    if any("dataclass" in ast.unparse(each) for each in node.decorator_list):
        yield node.name, missing_of_fields(node, own)
    for method in node.body:
        if not isinstance(method, ast.FunctionDef):
            continue
        if method.name == "__init__":
            yield node.name, missing_of(method, own)
        elif method.name == "__post_init__":
            yield f"making a {node.name}", _untold_errors(method, own)
        elif not method.name.startswith("_"):
            told = inspect.cleandoc(ast.get_docstring(method) or "")
            yield f"{node.name}.{method.name}", missing_of(method, told)


def public_names() -> dict[str, set[str]]:
    """By file: the library's interface, and what documents offer beside it: the worker's frames, Slicer's script."""
    names = {
        "CompactSegLib/serve/protocol.py": {
            "encode_frame",
            "read_frames",
            "write_frame",
        },
        "CompactSeg/CompactSegMRML/CompactSegLogic.py": {"segment"},
    }
    interface = REPOSITORY / "CompactSegLib/__init__.pyi"
    for line in ast.parse(interface.read_text(encoding="utf-8")).body:
        if isinstance(line, ast.ImportFrom) and line.module:
            file = f"{line.module.replace('.', '/')}.py"
            names.setdefault(file, set()).update(alias.name for alias in line.names)
    return names


def public_faces() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for file, names in public_names().items():
        for node in ast.parse((REPOSITORY / file).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in names:
                place = "" if file.startswith("CompactSegLib") else "CompactSegMRML."
                found |= {f"{place}{name}": missing for name, missing in faces(node)}
    return found


FACES = public_faces()


@pytest.mark.parametrize("name", FACES)
def test_a_public_function_says_what_it_takes_and_raises(name: str):
    assert not FACES[name]


def test_the_functions_of_the_interface_are_among_them():
    assert {"segment", "Segmenter.start", "Run.levels", "Level.save", "Geometry"} <= set(FACES)


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        (
            "def f(a: int, b: int):\n    'Do.\\n\\n    Args:\\n        a: One.\\n    '",
            ["argument b"],
        ),
        (
            "def f(a: Tensor):\n    'Do.\\n\\n    Args:\\n        a: An image.\\n    '",
            ["shape of a"],
        ),
        (
            "def f(a: Tensor):\n    'Do.\\n\\n    Args:\\n        a: An image ``(C, D)``.\\n    '",
            [],
        ),
        ("def f(a):\n    'Do.'\n    raise InputError('no')", ["error InputError"]),
        (
            "@dataclass\nclass f:\n    'Two.\\n\\n    Attributes:\\n        a: One.\\n    '\n    a: int\n    b: int",
            ["field b"],
        ),
    ],
)
def test_what_is_not_said_is_found(source: str, missing: list[str]):
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef | ast.ClassDef)
    assert dict(faces(node))["f"] == missing
