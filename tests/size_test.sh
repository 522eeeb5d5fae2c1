#!/bin/bash
# size_test.sh LIBRARY: stripped, it is smaller than 2 MB.
set -euo pipefail

limit=2000000
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" "$1"
size=$(stat -c %s "$stripped")
echo "$size bytes stripped, limit $limit"
[ "$size" -lt $limit ]
