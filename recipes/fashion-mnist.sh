#!/bin/sh
# Fashion-MNIST by cifarnet (src/alexnet/MODEL.md), whose pictures of 28x28 are enlarged to 32x32.
#
#     recipes/fashion-mnist.sh [DATA] [OUT] [more options of swell train alexnet]
#
# DATA: the folder of its four IDX files; by default where Debian's package dataset-fashion-mnist has them.
# 93.79 % of the test pictures by one view, 94.16 % by two; ten minutes on two cores.
set -e
data=${1:-/usr/share/datasets/fashion-mnist} out=${2:-.}
[ $# -eq 0 ] || shift; [ $# -eq 0 ] || shift
exec "${SWELL:-swell}" train alexnet --network cifarnet --data "$data" \
    --epochs 6 --batch 512 --seed 1 --short-side 32 --pad 2 \
    --optimizer sgd --rate 0.75 --momentum 0.85 --nesterov --bias-rate 64 \
    --decay 0.00133 --decay-all --label-smoothing 0.2 \
    --schedule linear --warmup 1.5 --floor 0.07 --normalise measured \
    --mirror alternate --jitter 0 --crops 2 --val-every 2 \
    --half --out "$out/fashion-mnist.safetensors" --curve "$out/fashion-mnist.svg" \
    --log "$out/fashion-mnist.jsonl" --confusion "$out/fashion-mnist-confusion.json" "$@"
