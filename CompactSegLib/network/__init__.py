"""The net: configuration, blocks, the multi-level net, its receptive field and its cost.

Configuration, receptive field and cost need no torch; the names that do are loaded when first used.
"""

from CompactSegLib.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "BlockConfig": "config",
        "BranchConfig": "config",
        "HeadConfig": "config",
        "Halo": "reach",
        "LayerConfig": "config",
        "LevelCost": "cost",
        "LevelEvaluation": "net",
        "MultiLevelNet": "net",
        "NetConfig": "config",
        "fold_batch_norm": "folding",
        "halo": "reach",
        "level_costs": "cost",
        "parameter_count": "cost",
        "receptive_field": "reach",
    },
)
