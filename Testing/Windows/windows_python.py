"""Runs Python for Windows under Wine, with the Windows builds of what the library and Slicer's scenes and windows need.

    python Testing/Windows/windows_python.py                                 # all tests, file by file
    python Testing/Windows/windows_python.py -m pytest Testing/Lib/serve

Wine is not Windows, but this Python, torch, SimpleITK, Slicer's core, VTK and Qt are those of Windows: paths, code
pages, pipes, processes and open files behave as theirs do. Nobody publishes CPython for Windows where pip looks, but
the wheels of Panda3D carry its libraries; what is Python in the standard library is taken from the Python that runs
this file, of the same minor version. Needs the Debian packages wine, wine64, gcc-mingw-w64-x86-64, mingw-w64-tools
and xvfb.
"""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / "build" / "windows"
PYTHON = BUILD / "python"
VERSION = f"{sys.version_info.major}{sys.version_info.minor}"

# pip would look for what these need on the system that it runs on.
ALONE = (
    "torch",
    "monai",
    "slicerio",
    "slicer-core",
    "vtk",
    "PySide6-Essentials",
    "shiboken6",
)
# What Panda3D's wheels leave out: the runtime of the compiler.
RUNTIME = "msvc-runtime"

_MAIN = """
#include <wchar.h>
int Py_Main(int, wchar_t **);
int wmain(int argc, wchar_t **argv) { return Py_Main(argc, argv); }
"""
# Slicer is UTF-8 throughout; Python alone has the code page of the country.
_MANIFEST = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<assembly xmlns="urn:schemas-microsoft-com:asm.v1" manifestVersion="1.0">
<application xmlns="urn:schemas-microsoft-com:asm.v3"><windowsSettings>
<activeCodePage xmlns="http://schemas.microsoft.com/SMI/2019/WindowsSettings">UTF-8</activeCodePage>
</windowsSettings></application></assembly>
"""
_LOCALE = """
import locale, sys
if sys.executable.endswith("slicer.exe"):
    locale.setlocale(locale.LC_ALL, ".UTF8")
"""
# Rust's standard library asks for it; Wine 8 has it under an older name only.
_RANDOM = """
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE to, SIZE_T size) {
  return SystemFunction036(to, (ULONG)size);
}
"""
# Windows has ICU and Wine 8 has not. Qt asks it for encodings other than Unicode: there are none (4, no such file).
_ICU = """
#define GIVE __declspec(dllexport) void *
#define NEVER(name) GIVE name(void) { return 0; }
GIVE ucnv_open(const char *name, int *status) { *status = 4; return 0; }
NEVER(ucnv_close) NEVER(ucnv_reset) NEVER(ucnv_getMaxCharSize) NEVER(ucnv_getName) NEVER(ucnv_getStandardName)
NEVER(ucnv_getAvailableName) NEVER(ucnv_countAvailable) NEVER(ucnv_toUnicode) NEVER(ucnv_fromUnicode)
NEVER(ucnv_toUCountPending) NEVER(ucnv_fromUCountPending) NEVER(ucnv_getToUCallBack) NEVER(ucnv_setToUCallBack)
NEVER(ucnv_getFromUCallBack) NEVER(ucnv_setFromUCallBack) NEVER(ucnv_cbToUWriteUChars) NEVER(ucnv_cbFromUWriteUChars)
NEVER(UCNV_FROM_U_CALLBACK_SUBSTITUTE) NEVER(UCNV_TO_U_CALLBACK_SUBSTITUTE)
"""


def main() -> int:
    if not (PYTHON / "ready").exists():
        make_python()
    with a_screen():
        if len(sys.argv) > 1:
            return run(sys.argv[1:])[0]
        told, codes = [], set()
        for place in places():
            print(f"=== {place}", flush=True)
            code, said = run(["-m", "pytest", "-p", "no:cacheprovider", "-q", place])
            told.append(f"{place}: {said} (exit code {code})")
            codes.add(code)
    print("\n".join(told))
    return int(codes != {0})


@contextmanager
def a_screen() -> Iterator[None]:
    """OpenGL of Windows draws under Wine only where there is a screen: one of X that nobody sees."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1400x1000x24"]
    process = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as told:
            os.environ["DISPLAY"] = f":{told.readline().strip()}"
        yield
    finally:
        process.terminate()
        process.wait()


def places() -> list[str]:
    """Files of tests, each to be run in a process of its own: what ends one takes no other along."""
    tests = REPOSITORY / "Testing"
    files = (sorted((tests / part).rglob("test_*.py")) for part in ("Lib", "MRML", "Qt"))
    return [str(path.relative_to(REPOSITORY)) for part in files for path in part]


def run(arguments: list[str]) -> tuple[int, str]:
    """Run a Python; pass on what it writes. Returns its exit code and its last line."""
    of_slicer = any(argument.startswith(("Testing/MRML", "Testing/Qt")) for argument in arguments)
    program = PYTHON / ("slicer.exe" if of_slicer else "python.exe")
    if arguments[:2] == ["-m", "pytest"]:
        arguments = ["-m", "pytest", "-p", "Testing.Windows.left_out", *arguments[2:]]
    # Under Wine Python takes pipes only.
    process = subprocess.Popen(
        ["wine", str(program), "-B", *arguments],
        env=environment(),
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdin
    assert process.stdout
    process.stdin.close()
    pipe, lines = process.stdout.fileno(), [b""]

    def pass_on() -> None:
        with suppress(OSError):  # closed, since nobody waits for its end
            while told := os.read(pipe, 2**16):
                sys.stdout.buffer.write(told)
                sys.stdout.flush()
                lines[:] = (lines[-1] + told).splitlines(keepends=True)[-1:]

    reader = threading.Thread(target=pass_on, daemon=True)
    reader.start()
    code = process.wait()
    # Not for ever: what it started may hold the pipe, as services of Wine do.
    reader.join(5)
    return code, lines[-1].decode("utf-8", "replace").strip("= \r\n")


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
        "Xvfb": "xvfb",
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
    # The libraries are of 3.11.9 or later, whose import asks the class; here it may be an instance's yet.
    finder = PYTHON / "Lib" / "importlib" / "metadata" / "__init__.py"
    method = "    def invalidate_caches(cls)"
    text = finder.read_text(encoding="utf-8").replace(f"    @classmethod\n{method}", method)
    finder.write_text(text.replace(method, f"    @classmethod\n{method}"), encoding="utf-8")
    # Run with -B it keeps none, and would compile what it imports each time.
    compileall.compile_dir(PYTHON / "Lib", quiet=2)
    _take("panda3d", "deploy_libs/")
    _take(RUNTIME, ".dll")
    _compile()
    packages = PYTHON / "Lib" / "site-packages"
    _pip("install", "--target", packages, "--requirement", Path(__file__).with_name("packages.txt"))
    limits = REPOSITORY / "constraints.txt"
    _pip("install", "--target", packages, "--constraint", limits, "--no-deps", *ALONE)
    # Off the screen Qt looks for fonts there, and brings none.
    shutil.copytree(
        packages / "matplotlib" / "mpl-data" / "fonts" / "ttf",
        packages / "PySide6" / "lib" / "fonts",
    )
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

    for name, text in {
        "main.c": _MAIN,
        "slicer.manifest": _MANIFEST,
        "slicer.rc": '1 24 "slicer.manifest"\n',
        "random.c": _RANDOM,
        "icu.c": _ICU,
        "Lib/sitecustomize.py": _LOCALE,
    }.items():
        (PYTHON / name).write_text(text, encoding="utf-8")
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
    program = (compiler, "-municode", "main.c", "-L.", f"-l{library}")
    run(*program, "-o", "python.exe")
    run("x86_64-w64-mingw32-windres", "slicer.rc", "-O", "coff", "-o", "slicer.o")
    run(*program, "slicer.o", "-o", "slicer.exe")
    run(compiler, "-shared", "random.c", "-ladvapi32", "-o", "bcryptprimitives.dll")
    run(compiler, "-shared", "-nostdlib", "icu.c", "-o", "icuuc.dll")
    exported = (PYTHON / f"{library}.def").read_text().partition("EXPORTS")[2].split("\n")
    names = [line.split()[0] for line in exported if line.strip()]
    stable = [f"{name}={library}.{name}" for name in names]
    (PYTHON / "python3.def").write_text("\n".join(["LIBRARY python3.dll", "EXPORTS", *stable]))
    run(compiler, "-shared", "-nostdlib", "python3.def", "-o", "python3.dll")


if __name__ == "__main__":
    sys.exit(main())
