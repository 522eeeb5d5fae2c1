#!/bin/bash
# symbols_test.sh LIBRARY HEADERS: the library exports exactly what the public headers declare.
set -euo pipefail

exported=$(nm -D --defined-only "$1" | awk '{ print $NF }' | sed 's/@.*//' | sort -u)
declared=$(cat "$2"/*.h | gcc -fpreprocessed -dD -E -P -x c - 2>/dev/null | grep -v '^ *#' |
    tr '\n' ' ' | grep -oE 'SW_API[^;]*;' | sed -E 's/^[^(]*[^a-z0-9_]([a-z0-9_]+) ?\(.*/\1/' | sort -u)

status=0
strange=$(comm -23 <(echo "$exported") <(echo "$declared"))
if [ -n "$strange" ]; then
    printf 'exported, but in no public header:\n%s\n' "$strange"
    status=1
fi
private=$(grep -vE '^sw_[a-z0-9]' <<<"$exported" | grep . || true)
private+=$(grep -E '^sw__' <<<"$exported" || true)
if [ -n "$private" ]; then
    printf 'exported, but not public by its name:\n%s\n' "$private"
    status=1
fi
missing=$(comm -13 <(echo "$exported") <(echo "$declared"))
if [ -n "$missing" ]; then
    printf 'declared in a public header, but not exported:\n%s\n' "$missing"
    status=1
fi
echo "$(wc -l <<<"$exported") symbols exported"
exit $status
