#!/bin/bash
# The model that comes with the program: at most 5 MB, it says what it is, and is as good as its card says.
# The last part needs CIFAR-10's test pictures: $SWELL_CIFAR10, a folder that `swell train alexnet` opens.
# usage: default_model_test.sh PROGRAM SOURCE
set -u
. "$(dirname "$0")/program.sh"
model=$2/models/cifar10.safetensors card=$2/models/cifar10.md

bytes=$(wc -c <"$model") || exit 1
[ "$bytes" -le 5000000 ] || fail "$model has $bytes bytes, more than 5,000,000"
for key in '"network":"cifarnet"' '"side":"32"' '"channels":"3"' '"labels":' airplane truck; do
    head -c 20000 "$model" | grep -aqF -- "$key" || fail "$model does not say $key"
done
for part in Data Recipe Accuracy Confusion "cannot"; do
    grep -q "$part" "$card" || fail "$card has nothing about: $part"
done
[ $failed = 0 ] || exit 1

if [ ! -d "${SWELL_CIFAR10:-}" ]; then
    echo "SKIP: SWELL_CIFAR10 names no folder with CIFAR-10's pictures"
    exit 77
fi
"$swell" train alexnet --network cifarnet --epochs 0 --from "$model" --data "$SWELL_CIFAR10" \
    --crops 6 --json --log "$dir/log" >/dev/null || exit 1
one=$(sed -n 's/.*"test_accuracy":\([0-9.]*\).*/\1/p' "$dir/log")
six=$(sed -n 's/.*"crops_accuracy":\([0-9.]*\).*/\1/p' "$dir/log")
echo "accuracy by one view $one, by six $six"
awk -v one="$one" -v six="$six" 'BEGIN { exit !(six >= 0.93) }' || fail "below 93 %"
# Other CPUs round otherwise: of 10,000 pictures a few change sides.
said=$(sed -n 's/^| six views.*| \([0-9.]*\) % |$/\1/p' "$card")
awk -v six="$six" -v said="$said" 'BEGIN { d = 100 * six - said; exit !(d > -0.1 && d < 0.1) }' ||
    fail "the card gives another figure: $said"
exit $failed
