"""A worker that can not be started, is none, or goes away: a sentence, and the next run works."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

import CompactSegLib
from CompactSegMRML.CompactSegLogic import CompactSegLogic
from CompactSegMRML.WorkerClient import WorkerClient
from CompactSegMRML.WorkerCommand import Launch, endedLater, isLate
from CompactSegMRML.WorkerProcess import Ended
from Testing.MRML.conftest import FAKE_WORKER, MODEL, Heard, add_volume, wait
from Testing.repository import REPOSITORY
from Testing.waiting import LONGEST_SECONDS

WORKER = "from CompactSegLib.serve.worker import run_worker; run_worker()"


def python(code: str, *arguments: object) -> str:
    """A command that Windows takes apart as other systems do: the code as figures, which need no quotes."""
    figures = ",".join(map(str, textwrap.dedent(code).encode()))
    words = (sys.executable, "-c", f"exec(bytes([{figures}]))", *arguments)
    return " ".join(f'"{word}"' for word in words)


@pytest.fixture
def clients():
    made = []

    def make(command="", **options):
        made.append(WorkerClient(command, **options))
        return made[-1]

    yield make
    for client in made:
        client.kill()


@pytest.fixture
def a_logic(scene):
    logic = CompactSegLogic(scene)
    yield logic
    logic.close()


def settle(client, until):
    end = time.monotonic() + LONGEST_SECONDS
    while not until():
        assert time.monotonic() < end, (client.state, client.problem)
        if not client.handleNext():
            time.sleep(0.005)


@pytest.mark.parametrize(
    ("command", "kind", "sentence"),
    [
        ("no-such-program worker", "start", "no-such-program.*command not found.*Advanced"),
        ('ssh "gpu-host', "start", "quotation"),
        (
            python("import sys; sys.exit('Permission denied (publickey).')"),
            "start",
            "exit code 1.*Permission denied.*compactseg worker",
        ),
        (python("print('hello')"), "start", "ended before it was ready"),
        (python("while True: print('spam' * 1000)"), "start", "is no CompactSeg worker"),
    ],
    ids=["not found", "quotes", "no login", "another program", "noise without end"],
)
def test_a_command_that_starts_no_worker_gives_a_sentence(clients, command, kind, sentence):
    client = clients(command)
    client.start()
    settle(client, lambda: client.problem)
    assert (client.state, client.problemKind) == ("stopped", kind)
    assert re.search(sentence, client.problem), client.problem


def test_a_fault_of_windows_has_the_figures_that_one_looks_for():
    launch = Launch(("python", "worker"), {}, isDefault=True)
    assert "(exit code 0xC0000005)" in endedLater(launch, Ended(0xC0000005), [])
    assert "(exit code 1)" in endedLater(launch, Ended(1), [])


def test_a_program_that_says_nothing_is_ended_after_a_time(clients):
    client = clients(python("import time; time.sleep(600)"), readySeconds=0.5)
    client.start()
    pid = client.pid
    settle(client, lambda: client.problem)
    assert "did not report" in client.problem
    assert_is_gone(pid)


def test_who_is_sent_to_the_log_is_told_where_it_is():
    launch = Launch(("python", "worker"), {}, isDefault=True)
    sentences = (endedLater(launch, Ended(1), []), isLate(launch, 60))
    for sentence in sentences:
        assert "Advanced ▸ Log says more." in sentence
    form = (REPOSITORY / "Resources" / "UI" / "CompactSeg.ui").read_text(encoding="utf-8")
    for name in ("<string>Advanced</string>", "<string>Log:</string>"):
        assert name in form


def test_what_ssh_says_of_a_lost_connection_is_told_and_the_workers_log_is_not():
    launch = Launch(("ssh", "gpu-host"), {}, isDefault=False)
    heard = ["2026-11-29 16:49:41,098 request 'a': segment (96, 96, 96) of int16", "Broken pipe"]
    sentence = endedLater(launch, Ended(255), heard)
    assert "ssh ended (exit code 255): Broken pipe. The next Segment" in sentence


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"protocol": 99, "models": []}, "speaks protocol 99, this module speaks 1"),
        ({"protocol": 1, "compactseg": "9", "models": [{}]}, "models[0]: expected name, a text"),
    ],
)
def test_a_worker_of_another_version_is_named(clients, told, why):
    ready = json.dumps({"event": "ready", "id": None, **told})
    client = clients(python(f"import time; print({ready!r}, flush=True); time.sleep(600)"))
    client.start()
    settle(client, lambda: client.problem)
    assert why in client.problem
    assert "install CompactSeg" in client.problem
    assert (client.state, client.problemKind) == ("stopped", "start")


def test_a_greeting_of_the_host_before_the_worker_does_no_harm(clients):
    code = f"print('Welcome to gpu-host!', flush=True); import sys; sys.path[0] = sys.argv[1]; {WORKER}"
    client = clients(python(code, REPOSITORY))
    client.start()
    settle(client, lambda: client.state == "ready")
    assert MODEL in [model.name for model in client.offer.models]


@pytest.mark.skipif(os.name != "posix", reason="needs env")
def test_a_worker_elsewhere_needs_nothing_of_this_environment(clients, tmp_path):
    folder = tmp_path / "another host's Ordner – ä"
    folder.mkdir()
    code = f"import os, sys; os.chdir(sys.argv[2]); sys.path[0] = sys.argv[1]; {WORKER}"
    command = f"env -i {python(code, REPOSITORY, folder)}"
    client = clients(command)
    client.start()
    settle(client, lambda: client.devices)
    assert client.devices[0].name == "cpu"


def test_the_default_worker_starts_from_a_folder_with_spaces_and_accents(tmp_path, monkeypatch):
    root = tmp_path / "Programme – ä ö" / f"Slicer{os.pathsep} 5.12"
    skip = shutil.ignore_patterns("__pycache__", "train")
    shutil.copytree(REPOSITORY / "CompactSegLib", root / "CompactSegLib", ignore=skip)
    shutil.copytree(REPOSITORY / "Resources" / "Models", root / "Resources" / "Models")
    monkeypatch.setattr(CompactSegLib, "__file__", str(root / "CompactSegLib" / "__init__.py"))
    client = WorkerClient()
    client.start()
    settle(client, lambda: client.state == "ready")
    client.kill()
    assert Path(client.offer.models[0].folder).is_relative_to(root)


def test_without_torch_models_are_listed_and_the_sentence_says_what_to_do(
    clients, tmp_path, monkeypatch
):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise ImportError('no torch here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    client = clients()
    client.start()
    settle(client, lambda: client.problem)
    assert client.state == "ready"
    assert client.problemKind == "torch"
    assert "PyTorch" in client.problem
    assert client.offer.models


def test_a_worker_killed_in_the_middle_fails_the_run_and_the_next_one_works(a_logic, scene):
    volume = add_volume(scene)
    volume.SetName("held")  # the worker waits before level 2
    logic, heard = a_logic, Heard(a_logic)
    logic.restartWorker(f'"{sys.executable}" "{FAKE_WORKER}"')
    logic.segment(volume, model=MODEL, allLevels=True)
    wait(logic, lambda: heard.named("levelReady"))
    os.kill(logic.workerProcessId, getattr(signal, "SIGKILL", signal.SIGTERM))
    wait(logic, lambda: heard.outcomes)
    (outcome,) = heard.outcomes
    assert outcome.kind == "failed"
    assert ("SIGKILL" if os.name == "posix" else "exit code 15") in outcome.sentence
    assert (logic.state, logic.problemKind) == ("stopped", "ended")
    logic.segment(volume, model=MODEL, levels=1)
    assert logic.problem is None
    wait(logic, lambda: len(heard.outcomes) == 2)
    assert heard.outcomes[1].kind == "done"
    assert heard.named("stateChanged")[-1] == ("ready",)


def test_a_run_with_a_command_that_does_not_start_fails_after_it_began(scene):
    logic = CompactSegLogic(scene, workerCommand="no-such-program")
    heard = Heard(logic)
    begun = logic.segment(add_volume(scene), model=MODEL)
    assert begun.model == MODEL
    assert not heard.outcomes
    wait(logic, lambda: heard.outcomes)
    assert "command not found" in heard.outcomes[0].sentence
    assert logic.state == "stopped"
    logic.close()


def test_another_command_can_take_its_place(scene):
    logic = CompactSegLogic(scene, workerCommand="no-such-program")
    logic.startWorker()
    assert logic.problemKind == "start"
    logic.restartWorker("")
    assert logic.problem is None
    wait(logic, lambda: logic.state == "ready")
    logic.close()


def test_a_connection_that_takes_nothing_holds_up_neither_the_click_nor_cancel(scene, monkeypatch):
    monkeypatch.setattr("CompactSegMRML.WorkerProcess._GRACE_SECONDS", 0.5)
    code = """
        import json, sys, time
        sys.path[0] = sys.argv[1]
        from CompactSegLib.serve.events import ready
        print(json.dumps(ready()), flush=True)
        time.sleep(600)
    """
    logic = CompactSegLogic(scene, workerCommand=python(code, REPOSITORY))
    heard = Heard(logic)
    logic.startWorker()
    wait(logic, lambda: logic.state == "ready")
    volume = add_volume(scene, "template")
    logic.segment(volume, model=MODEL)  # would wait for ever, as the polls would
    wait(logic, lambda: heard.named("progressed")[-1][3] == "Sending the volume")
    logic.cancel()
    assert heard.outcomes[0].kind == "cancelled"
    assert logic.state == "ready"
    pid = logic.workerProcessId
    logic.close()
    assert_is_gone(pid)


def test_closing_ends_the_worker(scene):
    logic = CompactSegLogic(scene)
    logic.startWorker()
    wait(logic, lambda: logic.state == "ready")
    pid = logic.workerProcessId
    logic.close()
    assert_is_gone(pid)
    logic.poll()


def test_the_log_is_told_line_by_line(clients):
    lines = []
    client = clients()
    client.logged.connect(lines.append)
    client.start()
    settle(client, lambda: client.state == "ready")
    settle(client, lambda: lines)
    assert "worker, protocol 1" in lines[0]


def assert_is_gone(pid):
    end = time.monotonic() + LONGEST_SECONDS
    while psutil.pid_exists(pid):
        assert time.monotonic() < end, f"process {pid} is still there"
        time.sleep(0.02)
