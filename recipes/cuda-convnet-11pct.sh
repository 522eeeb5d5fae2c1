#!/bin/sh
# cuda-convnet's four-layer network with response normalisation (src/alexnet/MODEL.md): AlexNet's section 3.3.
#
#     recipes/cuda-convnet-11pct.sh DATA [OUT] [more options of swell train alexnet]
#
# DATA: CIFAR-10, as the binary batches of its authors or as folders train/ and test/ with a folder a class.
# The paper's figure for it is a test error of 11 %, by ten views; this schedule gave 12.93 % (one view: 16.45 %) in half an hour.
set -e
[ $# -ge 1 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 1; }
data=$1 out=${2:-.}
shift; [ $# -eq 0 ] || shift
exec "${SWELL:-swell}" train alexnet --network cuda-convnet-11pct --data "$data" \
    --epochs 60 --batch 128 --seed 1 \
    --optimizer adamw --rate 0.002 --decay 0.02 --label-smoothing 0 \
    --schedule cosine --warmup 2 --ema 0.999 \
    --mirror random --jitter 0 --crops 10 --val-every 5 \
    --out "$out/cuda-convnet-11pct.safetensors" --curve "$out/cuda-convnet-11pct.svg" \
    --log "$out/cuda-convnet-11pct.jsonl" --confusion "$out/cuda-convnet-11pct-confusion.json" "$@"
