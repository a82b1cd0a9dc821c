"""``python -m CompactSegLib.train …`` is ``compactseg train …``.

It is there for ``torchrun --nproc-per-node N -m CompactSegLib.train …``, which starts modules.
"""

import sys

from CompactSegLib.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "train")
    main()
