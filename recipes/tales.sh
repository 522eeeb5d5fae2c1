#!/bin/sh
# The default model of `swell write`, models/tales.gguf: tales and novels in the public domain, by a llama of 5.9 million
# parameters.
#
#     recipes/tales.sh TEXTS [OUT] [more options of swell train gpt, for the first part]
#
# TEXTS is a folder with three others: tales/ and novels/, books as .txt or .md with <|endoftext|> between those that share
# a file, and held-out/, stories to measure on; no paragraph of theirs is learnt, wherever else it stands (tales.awk). What
# models/tales.gguf has read: models/tales.md.
#
# Tales are read four times for each time that novels are. Two parts: at one rate first, then down to
# nothing, so that more can be learnt later from the checkpoint of the first part (--resume).
set -e
texts=${1:?the folder of texts} out=${2:-.}
shift; [ $# -eq 0 ] || shift
here=$(dirname "$0") swell=${SWELL:-swell}
[ -d "$texts/tales" ] && [ -d "$texts/novels" ] && [ -d "$texts/held-out" ] ||
    { echo "$texts has to have tales/, novels/ and held-out/" >&2; exit 1; }
mkdir -p "$out/once" "$out/mix"

documents() { find "$1" -type f \( -name '*.txt' -o -name '*.md' \) -print0 | sort -z |
    xargs -0 awk -f "$here/tales.awk" "$texts"/held-out/*.txt books=1; }
documents "$texts/tales" >"$out/once/tales.txt"
documents "$texts/novels" >"$out/once/novels.txt"
cp "$out/once/novels.txt" "$out/mix"
for i in 1 2 3 4; do cp "$out/once/tales.txt" "$out/mix/tales-$i.txt"; done
"$swell" train tokenizer --data "$out/once" --vocabulary 4096 --out "$out/tales-tokens.json"

learn() { "$swell" train gpt --data "$out/mix" --val "$texts/held-out" --context 512 --batch 16 --document-mask \
    --optimizer muon --rate 0.02 --decay 0.01 --clip 0 --val-every 250 --sample-every 500 --prompt "Once upon a time" "$@"; }
learn --network llama --layers 6 --width 256 --heads 4 --hidden 704 --tokenizer "$out/tales-tokens.json" \
    --steps 739 --schedule constant --warmup 100 --seed 1 --checkpoint "$out/tales-run.safetensors" --every 250 \
    --out "$out/tales-1.gguf" --curve "$out/tales-1.svg" --log "$out/tales-1.jsonl" "$@"
learn --from "$out/tales-1.gguf" --steps 466 --schedule linear --floor 0 --warmup 5 --seed 2 \
    --out "$out/tales-2.gguf" --curve "$out/tales-2.svg" --log "$out/tales-2.jsonl"
"$swell" convert "$out/tales-2.gguf" "$out/tales.gguf" --type q8_0
