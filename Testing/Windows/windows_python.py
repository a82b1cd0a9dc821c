"""Runs Python for Windows under Wine, with the Windows builds of what the library needs.

    python Testing/Windows/windows_python.py -m pytest Testing/Lib/serve

Wine is not Windows, but this Python, torch and SimpleITK are those of Windows: paths, code pages, pipes, processes and
open files behave as theirs do. Nobody publishes CPython for Windows where pip looks, but the wheels of Panda3D carry
its libraries; what is Python in the standard library is taken from the Python that runs this file, of the same minor
version. Needs the Debian packages wine, wine64, gcc-mingw-w64-x86-64 and mingw-w64-tools.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / "build" / "windows"
PYTHON = BUILD / "python"
VERSION = f"{sys.version_info.major}{sys.version_info.minor}"

# The C library of Wine 8 lacks what NumPy 2 asks of it.
NUMPY = "numpy<2"
# With what they need on Windows.
PACKAGES = [
    "SimpleITK",
    "safetensors",
    "pydicom",
    "psutil",
    "typer",
    "rich",
    "matplotlib",
    "highdicom",
    "distributed",
    "scipy",
    "nibabel",
    "pynrrd",
    "pylibjpeg",
    "pylibjpeg-libjpeg",
    "pylibjpeg-openjpeg",
    "hatchling",
    "PyYAML",
    "pytest",
    "pytest-timeout",
    "pytest-xdist",
    "hypothesis",
    "colorama",
    "tzdata",
    "filelock",
    "fsspec",
    "jinja2",
    "networkx",
    "setuptools",
    "sympy",
    "typing_extensions",
]
# pip would look for what these need on the system that it runs on.
ALONE = ("torch", "monai", "slicerio")
# What Panda3D's wheels leave out: the runtime of the compiler.
RUNTIME = "msvc-runtime"

_MAIN = """
#include <wchar.h>
int Py_Main(int, wchar_t **);
int wmain(int argc, wchar_t **argv) { return Py_Main(argc, argv); }
"""
# Rust's standard library asks for it; Wine 8 has it under an older name only.
_RANDOM = """
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE to, SIZE_T size) {
  return SystemFunction036(to, (ULONG)size);
}
"""


def main() -> int:
    if not (PYTHON / "ready").exists():
        make_python()
    command = ["wine", str(PYTHON / "python.exe"), "-B", *sys.argv[1:]]
    # Under Wine Python takes pipes only.
    with subprocess.Popen(
        command,
        env=environment(),
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.close()
        while told := os.read(process.stdout.fileno(), 2**16):
            sys.stdout.buffer.write(told)
            sys.stdout.flush()
    return process.returncode


def environment() -> dict[str, str]:
    """Of a process under Wine; Wine 8 lacks what OpenMP asks to know of the cores."""
    own = {
        "WINEPREFIX": str(BUILD / "prefix"),
        "WINEDEBUG": "-all",
        "KMP_AFFINITY": "disabled",
        "PYTHONPATH": "Z:" + str(REPOSITORY).replace("/", "\\"),
    }
    return os.environ | own


def make_python() -> None:
    """Put the interpreter and its packages together in ``build/windows``."""
    for tool, package in {
        "wine": "wine and wine64",
        "x86_64-w64-mingw32-gcc": "gcc-mingw-w64-x86-64",
        "gendef": "mingw-w64-tools",
    }.items():
        if shutil.which(tool) is None:
            sys.exit(
                f"{tool}: expected this program, but it is not there; install the Debian package {package}."
            )
    shutil.rmtree(BUILD, ignore_errors=True)
    shutil.copytree(
        sysconfig.get_path("stdlib"),
        PYTHON / "Lib",
        ignore=shutil.ignore_patterns(
            "site-packages", "dist-packages", "test", "lib-dynload", "config-*", "__pycache__"
        ),
    )
    _take("panda3d", "deploy_libs/")
    _take(RUNTIME, ".dll")
    _compile()
    packages = PYTHON / "Lib" / "site-packages"
    _pip("install", "--target", packages, NUMPY, *PACKAGES)
    limits = REPOSITORY / "constraints.txt"
    _pip("install", "--target", packages, "--constraint", limits, "--no-deps", *ALONE)
    subprocess.run(
        ["wine", "reg", "add", r"HKCU\Software\Wine", "/v", "Version", "/d", "win10", "/f"],
        env=environment(),
        check=True,
    )
    (PYTHON / "ready").touch()


def _pip(*arguments: object) -> None:
    where = ("--only-binary", ":all:", "--platform", "win_amd64", "--python-version", VERSION)
    command = [
        sys.executable,
        "-m",
        "pip",
        "--quiet",
        str(arguments[0]),
        *where,
        *map(str, arguments[1:]),
    ]
    subprocess.run(command, check=True)


def _take(package: str, kept: str) -> None:
    """Of a package's wheel the libraries, beside the interpreter."""
    wheels = BUILD / package
    _pip("download", "--no-deps", "--dest", wheels, package)
    with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel:
        for name in wheel.namelist():
            library = Path(name).name.lower()
            # Wine has its own C library.
            if kept in name and library and not library.startswith("api-ms-"):
                (PYTHON / library).write_bytes(wheel.read(name))


def _compile() -> None:
    """The interpreter's program, its stable interface, and what Wine lacks."""
    library, compiler = f"python{VERSION}", "x86_64-w64-mingw32-gcc"

    def run(*command: str) -> None:
        subprocess.run(command, cwd=PYTHON, check=True, capture_output=True)

    (PYTHON / "main.c").write_text(_MAIN)
    (PYTHON / "random.c").write_text(_RANDOM)
    run("gendef", f"{library}.dll")
    run(
        "x86_64-w64-mingw32-dlltool",
        "-d",
        f"{library}.def",
        "-D",
        f"{library}.dll",
        "-l",
        f"lib{library}.a",
    )
    run(compiler, "-municode", "main.c", "-L.", f"-l{library}", "-o", "python.exe")
    run(compiler, "-shared", "random.c", "-ladvapi32", "-o", "bcryptprimitives.dll")
    exported = (PYTHON / f"{library}.def").read_text().partition("EXPORTS")[2].split("\n")
    names = [line.split()[0] for line in exported if line.strip()]
    stable = [f"{name}={library}.{name}" for name in names]
    (PYTHON / "python3.def").write_text("\n".join(["LIBRARY python3.dll", "EXPORTS", *stable]))
    run(compiler, "-shared", "-nostdlib", "python3.def", "-o", "python3.dll")


if __name__ == "__main__":
    sys.exit(main())
