"""Models judged on labelled cases: Dice and distances, summaries, comparison with others."""
