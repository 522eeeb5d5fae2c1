#!/bin/bash
# with_torch.sh SCRIPT ARGUMENTS: run it by a Python that has PyTorch (Debian's python3-torch); exit 77
# where there is none.
for python in python3 /usr/bin/python3; do
    "$python" -c 'import numpy, torch' 2>/dev/null && exec "$python" "$@"
done
echo "skipped: no PyTorch (scripts/install-dependencies peers, or Debian's python3-torch)"
exit 77
