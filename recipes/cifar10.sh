#!/bin/sh
# The default model, models/cifar10.safetensors: cifarnet (src/alexnet/MODEL.md), after Jordan 2024.
#
#     recipes/cifar10.sh DATA [OUT] [more options of swell train alexnet, for both halves]
#
# DATA: CIFAR-10, as the binary batches of its authors or as folders train/ and test/ with a folder a class.
# Ten epochs as in the paper, then four from a third of the rate down to 0: what the shipped weights had.
set -e
[ $# -ge 1 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 1; }
data=$1 out=${2:-.}
shift; [ $# -eq 0 ] || shift
train()
{
    "${SWELL:-swell}" train alexnet --network cifarnet --data "$data" --batch 512 \
        --optimizer sgd --momentum 0.85 --nesterov --bias-rate 64 --decay 0.00133 --decay-all \
        --label-smoothing 0.2 --schedule linear --pad 2 --mirror alternate --jitter 0 \
        --crops 6 --val-every 2 "$@"
}
train --epochs 10 --seed 1 --rate 0.75 --warmup 3 --floor 0.07 \
    --out "$out/cifar10-first.safetensors" --log "$out/cifar10-first.jsonl" \
    --curve "$out/cifar10-first.svg" "$@"
train --from "$out/cifar10-first.safetensors" --epochs 4 --seed 2 --rate 0.25 --warmup 0 --floor 0 \
    --half --out "$out/cifar10.safetensors" --log "$out/cifar10.jsonl" \
    --curve "$out/cifar10.svg" --confusion "$out/cifar10-confusion.json" "$@"
