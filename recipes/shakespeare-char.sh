#!/bin/sh
# Characters of Shakespeare by a GPT of 10.7 million parameters: nanoGPT's setting for a GPU.
#
#     recipes/shakespeare-char.sh TEXT [OUT] [more options of swell train gpt]
#
# TEXT: tiny-shakespeare, 1,115,394 characters, of which the last tenth is held out.  nanoGPT says 1.47, the least on the
# way.  This has not been run to its end; in the
# small setting `--optimizer muon --rate 0.02 --floor 0.05 --decay 0.01 --clip 0` was far ahead of AdamW (recipes/README.md).
set -e
text=${1:?the text} out=${2:-.}
shift; [ $# -eq 0 ] || shift
exec "${SWELL:-swell}" train gpt --data "$text" --bf16 \
    --layers 6 --width 384 --heads 6 --context 256 --batch 64 --steps 2500 --dropout 0.2 --seed 1 \
    --optimizer adamw --rate 0.001 --floor 0.1 --warmup 100 --beta2 0.99 --decay 0.1 --clip 1 --val-every 250 \
    --checkpoint "$out/shakespeare-char-run.safetensors" --every 250 \
    --out "$out/shakespeare-char.gguf" --curve "$out/shakespeare-char.svg" \
    --log "$out/shakespeare-char.jsonl" "$@"
