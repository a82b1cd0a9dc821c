"""How long a test waits for what happens at once on a quiet machine: no verdict hangs on a clock."""

LONGEST_SECONDS = 200.0
"""What takes longer hangs; pytest ends a test after half as much again."""
