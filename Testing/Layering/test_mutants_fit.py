"""The faults of ``Testing/mutants.py`` can still be put in: what each replaces stands once in its file."""

from __future__ import annotations

import pytest

from Testing.mutants import MUTANTS, REPOSITORY, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_a_fault_has_its_place(mutant: Mutant):
    text = (REPOSITORY / mutant.file).read_text(encoding="utf-8")
    assert mutant.before.startswith("<") or text.count(mutant.before) == 1
    assert (REPOSITORY / mutant.tests[0]).is_file()  # perhaps with -k and words behind it
