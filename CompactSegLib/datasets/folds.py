"""Cross-validation folds as nnU-Net makes them."""

from collections.abc import Sequence

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
    from sklearn.model_selection import KFold

    splits = KFold(n_splits=FOLDS, shuffle=True, random_state=_SEED).split(ordered)
    training, validation = list(splits)[fold]
    return [ordered[i] for i in training], [ordered[i] for i in validation]
