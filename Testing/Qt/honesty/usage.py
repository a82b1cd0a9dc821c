"""Which names a module uses on objects of Slicer, CTK and Qt, read from its source.

Types are followed as far as a reader would without running it: widgets by their names in the ``.ui`` file, objects
made by ``qt.QTimer()``, attributes of ``self``, and arguments from the calls of this module's own functions. An
expression has a set of types, for a variable may be one widget or another; an empty set is not known and not checked.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import slicer

from honesty.api import Api
from honesty.kinds import exists, has_signal, member

Types = frozenset[str]
NOTHING: Types = frozenset()
# What methods give that leads on to other objects of Slicer.
RETURNS = {
    ("qSlicerApplication", "layoutManager"): "qSlicerLayoutManager",
    ("qSlicerApplication", "moduleManager"): "qSlicerModuleManager",
    ("qSlicerApplication", "coreIOManager"): "qSlicerCoreIOManager",
    ("qSlicerApplication", "settings"): "QSettings",
    ("qSlicerApplication", "userSettings"): "QSettings",
    ("qSlicerApplication", "extensionsManagerModel"): "qSlicerExtensionsManagerModel",
    ("qSlicerLayoutManager", "sliceWidget"): "qMRMLSliceWidget",
    ("qMRMLSliceWidget", "sliceView"): "qMRMLSliceView",
    ("qMRMLSliceWidget", "sliceController"): "qMRMLSliceControllerWidget",
    ("QTableWidget", "item"): "QTableWidgetItem",
    ("QTableWidget", "horizontalHeader"): "QHeaderView",
    ("QTableWidget", "verticalHeader"): "QHeaderView",
}
UTIL_RETURNS = {"mainWindow": "qSlicerMainWindow"}
ROUNDS = 5


@dataclass
class Module:
    """What was found out of all files together; each round of reading adds to it."""

    api: Api
    widgets: dict[str, str]
    known: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    functions: dict[str, list[str]] = field(default_factory=dict)
    problems: dict[str, None] = field(default_factory=dict)
    checked: set[str] = field(default_factory=set)


def read(api: Api, files: Iterable[Path], widgets: dict[str, str]) -> Module:
    """Follow types through the files until no more are found, and note what is not there."""
    module = Module(api, widgets)
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in files}
    for _ in range(ROUNDS):
        module.problems.clear()
        for file, tree in trees.items():
            Reader(module, file.name).visit(tree)
    return module


class Reader(ast.NodeVisitor):
    """Reads one file."""

    def __init__(self, module: Module, file: str) -> None:
        self.module = module
        self.file = file
        self.scope: list[str] = []
        self.cls = ""
        self.names: dict[str, str] = {"qt": "<qt>", "ctk": "<ctk>", "slicer": "<slicer>"}

    # Where we are

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        before, self.cls = self.cls, node.name
        self.generic_visit(node)
        self.cls = before

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        name = f"{self.cls}.{node.name}" if self.cls else node.name
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        is_method = bool(self.cls) and not any(
            isinstance(each, ast.Name) and each.id == "staticmethod" for each in node.decorator_list
        )
        names = [each.arg for each in arguments[1 if is_method else 0 :]]
        self.module.functions[name] = names
        self.scope.append(name)
        for each in arguments:
            if each.annotation is not None:
                self.learn((name, each.arg), self.made_by(self.type_of(each.annotation)))
        self.generic_visit(node)
        self.scope.pop()

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for each in node.names:
            if node.module in ("slicer", "slicer.util"):
                self.names[each.asname or each.name] = f"<{node.module}.{each.name}>"
                self.check_python(node, node.module, each.name)

    # What is learned

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        for target in node.targets:
            self.bind(target, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.generic_visit(node)
        if node.value is not None:
            self.bind(node.target, node.value)

    def visit_For(self, node: ast.For) -> None:
        if isinstance(node.iter, (ast.Tuple, ast.List)):
            for each in node.iter.elts:
                self.bind(node.target, each)
        self.generic_visit(node)

    def bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for one, other in zip(target.elts, value.elts, strict=False):
                self.bind(one, other)
        elif isinstance(target, ast.Name):
            self.learn((self.here, target.id), self.type_of(value))
        elif isinstance(target, ast.Attribute) and _is_self(target.value):
            self.learn((f"self {self.cls}", target.attr), self.type_of(value))
        elif isinstance(target, ast.Attribute):
            for cls in self.objects(target.value):
                self.check_written(target, cls, target.attr)

    def visit_Return(self, node: ast.Return) -> None:
        self.generic_visit(node)
        if node.value is not None and self.scope:
            self.learn(("returned", self.here), self.type_of(node.value))

    def learn(self, key: tuple[str, str], types: Types) -> None:
        self.module.known[key] |= types

    @property
    def here(self) -> str:
        return self.scope[-1] if self.scope else self.file

    # What an expression is: "QTimer" an object, "class QTimer" the class, "<qt>" a module, "QTimer.start" a method

    def type_of(self, node: ast.expr) -> Types:
        if isinstance(node, ast.Name):
            return self.type_of_name(node.id)
        if isinstance(node, ast.Attribute):
            return frozenset().union(
                *(self.attribute(node, each) for each in self.type_of(node.value)),
                self.module.known[f"self {self.cls}", node.attr] if _is_self(node.value) else (),
                {"<ui>"} if node.attr in ("ui", "_ui") else (),
            )
        if isinstance(node, ast.Call):
            return frozenset().union(*(self.result(node, each) for each in self.type_of(node.func)))
        if isinstance(node, ast.IfExp):
            return self.type_of(node.body) | self.type_of(node.orelse)
        return NOTHING

    def type_of_name(self, name: str) -> Types:
        if name == "ui":
            return frozenset({"<ui>"})
        scopes = [*reversed(self.scope), self.file]
        for scope in scopes:
            if self.module.known.get((scope, name)):
                return frozenset(self.module.known[scope, name])
        if name in self.names:
            return frozenset({self.names[name]})
        is_ours = name in self.module.functions or f"{name}.__init__" in self.module.functions
        return frozenset({f"ours {name}"}) if is_ours else NOTHING

    def attribute(self, node: ast.Attribute, base: str) -> Types:
        name = node.attr
        if base == "<ui>":
            return self.one(node, self.module.widgets.get(name), f"the form has no {name}")
        if base in ("<qt>", "<ctk>"):
            there = exists(self.module.api, name)
            return self.one(node, f"class {name}" if there else None, f"{base} has no {name}")
        if base == "<slicer>":
            return self.of_slicer(node, name)
        if base.startswith("<"):
            self.check_python(node, base.strip("<>"), name)
            return frozenset({f"{base[:-1]}.{name}>"})
        if base.startswith("ours ") or "." in base:
            return NOTHING
        self.check_read(node, base.removeprefix("class "), name)
        return frozenset({f"{base}.{name}"})

    def of_slicer(self, node: ast.Attribute, name: str) -> Types:
        if name == "app":
            return frozenset({"qSlicerApplication"})
        if name in ("mrmlScene", "modules", "selfTests"):
            return NOTHING
        if name[0] == "q":
            there = name in self.module.api.classes
            return self.one(node, f"class {name}" if there else None, f"slicer has no {name}")
        if not hasattr(slicer, name):
            self.problem(node, f"slicer has no {name}")
        return frozenset({f"<slicer.{name}>"}) if not name.startswith("vtk") else NOTHING

    def one(self, node: ast.AST, found: str | None, problem: str) -> Types:
        self.module.checked.add(f"{self.file}:{getattr(node, 'lineno', 0)} {problem}")
        if found is None:
            self.problem(node, problem)
            return NOTHING
        return frozenset({found})

    def result(self, node: ast.Call, called: str) -> Types:
        if called.startswith("class "):
            return frozenset({called.removeprefix("class ")})
        if called.startswith("<slicer.util."):
            found = UTIL_RETURNS.get(called.removeprefix("<slicer.util.").rstrip(">"))
            return frozenset({found}) if found else NOTHING
        cls, _, method = called.partition(".")
        if (cls, method) in RETURNS:
            return frozenset({RETURNS[cls, method]})
        name = called.removeprefix("ours ")
        return frozenset(self.module.known.get(("returned", name), ()))

    def made_by(self, types: Types) -> Types:
        return frozenset(each.removeprefix("class ") for each in types if each.startswith("class "))

    def objects(self, node: ast.expr) -> Types:
        return frozenset(each for each in self.type_of(node) if exists(self.module.api, each))

    # What is checked

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.type_of(node)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        self.pass_arguments(node)
        function = node.func
        if not isinstance(function, ast.Attribute):
            return
        first = node.args[0] if node.args else None
        for cls in self.objects(function.value):
            found = member(self.module.api, cls, function.attr)
            if found and found.kind == "property":
                self.problem(node, f"{cls}.{function.attr} is a property, and is called")
            is_text = isinstance(first, ast.Constant) and isinstance(first.value, str)
            if function.attr in ("connect", "disconnect") and is_text:
                signature = str(getattr(first, "value", ""))
                self.one(
                    node,
                    cls if has_signal(self.module.api, cls, signature) else None,
                    f"{cls} has no signal {signature}",
                )

    def pass_arguments(self, node: ast.Call) -> None:
        """What a function of this module is called with is the type of its parameter."""
        for name in self.called_functions(node.func):
            parameters = self.module.functions.get(name, [])
            pairs = [*zip(parameters, node.args, strict=False)]
            pairs += [(each.arg, each.value) for each in node.keywords if each.arg]
            for parameter, value in pairs:
                self.learn((name, parameter), self.type_of(value))

    def called_functions(self, function: ast.expr) -> list[str]:
        if isinstance(function, ast.Name):
            return [function.id, f"{function.id}.__init__"]
        if isinstance(function, ast.Attribute) and _is_self(function.value):
            return [f"{self.cls}.{function.attr}"]
        return []

    def check_read(self, node: ast.AST, cls: str, name: str) -> None:
        found = member(self.module.api, cls, name)
        self.one(node, cls if found else None, f"{cls} has no {name}")

    def check_written(self, node: ast.AST, cls: str, name: str) -> None:
        found = member(self.module.api, cls, name)
        can_be_set = found is not None and found.kind == "property" and found.writable
        self.one(node, cls if can_be_set else None, f"{cls}.{name} can not be set")

    def check_python(self, node: ast.AST, module: str, name: str) -> None:
        names: Any = self.module.api.python.get(module)
        if names is not None:
            self.one(node, name if name in names else None, f"{module} has no {name}")

    def problem(self, node: ast.AST, text: str) -> None:
        self.module.problems[f"{self.file}:{getattr(node, 'lineno', 0)} {text}"] = None


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"
