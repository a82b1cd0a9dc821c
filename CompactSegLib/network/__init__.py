"""The net: configuration, blocks, the multi-level net, its receptive field and its cost."""
