#!/bin/sh
# Characters of Shakespeare by a GPT of 0.8 million parameters: nanoGPT's setting for a CPU.
#
#     recipes/shakespeare-char-cpu.sh TEXT [OUT] [more options of swell train gpt]
#
# TEXT: tiny-shakespeare, 1,115,394 characters, of which the last tenth is held out.  nanoGPT says
# 1.88, by AdamW; Muon gives 1.641.
set -e
text=${1:?the text} out=${2:-.}
shift; [ $# -eq 0 ] || shift
exec "${SWELL:-swell}" train gpt --data "$text" \
    --layers 4 --width 128 --heads 4 --context 64 --batch 12 --steps 2000 --dropout 0 --seed 1 \
    --optimizer muon --rate 0.02 --floor 0.05 --warmup 100 --decay 0.01 --clip 0 --val-every 250 \
    --out "$out/shakespeare-char-cpu.gguf" --curve "$out/shakespeare-char-cpu.svg" \
    --log "$out/shakespeare-char-cpu.jsonl" "$@"
