#!/bin/sh
# AlexNet of the paper on photos of ten kinds of clothing: alexeygrigorev/clothing-dataset-small (CC0), 3,781 photos in
# folders train, validation and test.
#
#     recipes/clothing.sh DATA [OUT] [more options of swell train alexnet]
# From nothing, with three thousand photos: 65.1 % of 372 test photos by one view, 64.5 % by ten; eight minutes on two cores. Fine-tuning
# from a network that has seen more (--from) is what to do for use.
set -e
[ $# -ge 1 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 1; }
data=$1 out=${2:-.}
shift; [ $# -eq 0 ] || shift
exec "${SWELL:-swell}" train alexnet --network alexnet --data "$data/train" --val "$data/test" \
    --epochs 12 --batch 64 --seed 1 \
    --optimizer adamw --rate 0.0002 --decay 0.01 --schedule cosine --warmup 1 \
    --mirror random --jitter 0.1 --crops 10 --val-every 5 \
    --out "$out/clothing.safetensors" --curve "$out/clothing.svg" \
    --log "$out/clothing.jsonl" --confusion "$out/clothing-confusion.json" "$@"
