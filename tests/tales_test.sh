#!/bin/bash
# The language model that comes with the program: at most 12 MB, writes without being told where it is, and foresees the
# held-out stories as its card says (those are in ../shared beside the checkout: without it that part is skipped).
# usage: tales_test.sh PROGRAM SOURCE
set -u
. "$(dirname "$0")/program.sh"
model=$2/models/tales.gguf card=$2/models/tales.md

bytes=$(wc -c <"$model") || exit 1
[ "$bytes" -le 12000000 ] || fail "$model has $bytes bytes, more than 12,000,000"
for part in Data Recipe "Held-out" Samples "cannot"; do
    grep -q "^## .*$part" "$card" || fail "$card has nothing about: $part"
done
unset SWELL_MODELS
"$swell" write "Once upon a time" -n 40 >"$dir/text" 2>"$dir/err" || fail "it does not write: $(cat "$dir/err")"
[ "$(wc -w <"$dir/text")" -ge 20 ] || fail "it writes little: $(cat "$dir/text")"
grep -q 'that comes along' "$dir/err" || fail "nobody hears which model writes"
[ $failed = 0 ] || exit 1

stories=$2/../shared/data/text/fairytaleqa_stories/test.txt
if [ ! -f "$stories" ]; then
    echo "SKIP: no $stories"
    exit 77
fi
"$swell" bench perplexity "$stories" --model "$model" --json >"$dir/measured" 2>"$dir/err" || fail "$(cat "$dir/err")"
bits=$(sed -nE 's/.*"bits_per_byte": ?([0-9.]+).*/\1/p' "$dir/measured")
said=$(sed -nE 's/^\| test stories \| [0-9.]+ \| ([0-9.]+) \|$/\1/p' "$card")
echo "held-out test stories: $bits bits a byte, the card says $said"
# The card gives three digits; sums in another order change the fifth.
awk -v a="$bits" -v b="$said" 'BEGIN { exit !(b > 0.5 && a - b < 0.0006 && b - a < 0.0006) }' || fail "the card gives another figure"
exit $failed
