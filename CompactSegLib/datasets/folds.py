"""Cross-validation folds as nnU-Net makes them."""

from collections.abc import Sequence

import numpy as np

from CompactSegLib.errors import ConfigurationError

FOLDS = 5
_SEED = 12345


def fold_of(names: Sequence[str], fold: int | None) -> tuple[list[str], list[str]]:
    """Split case names into training and validation names.

    nnU-Net sorts the names and takes scikit-learn's ``KFold(n_splits=5, shuffle=True, random_state=12345)``
    (nnunetv2, ``utilities/crossval_split.py``). The folds depend on the set of names: those of a subset of a dataset
    are not subsets of the dataset's folds.

    Args:
        names: All cases.
        fold: 0 to 4, or None to train on all cases and validate on none.

    Returns:
        Training names and validation names, both sorted.

    Raises:
        ConfigurationError: No such fold, or fewer cases than folds.
    """
    ordered = sorted(names)
    if fold is None:
        return ordered, []
    if not 0 <= fold < FOLDS:
        raise ConfigurationError(f"fold: expected 0 to {FOLDS - 1} or 'all', got {fold}.")
    if len(ordered) < FOLDS:
        raise ConfigurationError(
            f"fold: expected at least {FOLDS} cases to make {FOLDS} folds, got {len(ordered)}; train with fold 'all'."
        )
    # The legacy generator: scikit-learn's, whose numbers are frozen for ever (NEP 19).
    order = np.random.RandomState(_SEED).permutation(len(ordered))
    held_out = set(np.array_split(order, FOLDS)[fold].tolist())
    validation = [name for place, name in enumerate(ordered) if place in held_out]
    return [name for place, name in enumerate(ordered) if place not in held_out], validation
