"""The hook in conftest.py that fails a run in which nothing ran."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).with_name("conftest.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("tests", "exit_code"),
    [
        ("def test_a(): pytest.skip('no data')", pytest.ExitCode.NO_TESTS_COLLECTED),
        ("def test_a(): pytest.skip('no data')\ndef test_b(): pass", pytest.ExitCode.OK),
        (
            "def test_a(): pytest.skip('no data')\ndef test_b(): assert 0",
            pytest.ExitCode.TESTS_FAILED,
        ),
    ],
    ids=["all skipped", "one skipped", "one skipped, one failed"],
)
def test_a_run_is_green_only_if_something_ran(pytester: pytest.Pytester, tests: str, exit_code):
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile("import pytest\n" + tests)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    assert result.ret == exit_code
    assert ("Nothing ran" in result.stdout.str()) == (
        exit_code == pytest.ExitCode.NO_TESTS_COLLECTED
    )


def test_the_reason_of_a_skip_is_printed(request: pytest.FixtureRequest):
    assert "s" in request.config.option.reportchars
