#!/bin/bash
# size_test.sh LIBRARY OBJECTS: the engine (every room up to src/nn, in the folder OBJECTS) stays below
# 2.3 MB of code and constants, and the whole library, stripped, below 3 MB.
set -euo pipefail

engine_limit=2300000 limit=3000000
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" "$1"
size=$(stat -c %s "$stripped")
engine=0
for room in base tensor kernels graph nn; do
    bytes=$(find "$2/$room" -name '*.o' -exec size {} + | awk '$1 ~ /^[0-9]+$/ {n += $1 + $2} END {print n + 0}')
    echo "src/$room: $bytes bytes"
    engine=$((engine + bytes))
done
echo "engine: $engine bytes, limit $engine_limit; library: $size bytes stripped, limit $limit"
[ "$engine" -gt 0 ] && [ "$engine" -lt $engine_limit ] && [ "$size" -lt $limit ]
