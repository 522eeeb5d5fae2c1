#!/bin/sh
# Characters of Shakespeare by a GPT of 0.8 million parameters: nanoGPT's setting for a CPU.
#
#     recipes/shakespeare-char-cpu.sh TEXT [OUT] [more options of swell train gpt]
#
# TEXT: tiny-shakespeare, 1,115,394 characters, of which the last tenth is held out.  nanoGPT says 1.88.
set -e
text=${1:?the text} out=${2:-.}
shift; [ $# -eq 0 ] || shift
exec "${SWELL:-swell}" train gpt --data "$text" \
    --layers 4 --width 128 --heads 4 --context 64 --batch 12 --steps 2000 --dropout 0 --seed 1 \
    --optimizer adamw --rate 0.001 --floor 0.1 --warmup 100 --beta2 0.99 --decay 0.1 --clip 1 --val-every 250 \
    --out "$out/shakespeare-char-cpu.safetensors" --curve "$out/shakespeare-char-cpu.svg" \
    --log "$out/shakespeare-char-cpu.jsonl" "$@"
