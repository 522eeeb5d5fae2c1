#!/bin/bash
# embeddings.sh SWELL EMBEDDING_RANDOM LANGUAGE_RANDOM SHARED: vectors of texts as llama.cpp has them.  A small random
# BERT with the vocabulary of bge, its matrices in every type, in all poolings; causal models by their mean and their
# last token; a BERT that swell convert has quantised.  node-llama-cpp is looked for in $SWELL_LLAMACPP (npm install
# --prefix /tmp/llamacpp node-llama-cpp: the default); exit 77 without.
set -euo pipefail
swell=$1 bert=$2 language=$3 vocabulary=$4/data/tokenizers/ggml-vocab-bert-bge.gguf
modules=${SWELL_LLAMACPP:-/tmp/llamacpp}/node_modules
if ! command -v node >/dev/null || [ ! -d "$modules/node-llama-cpp" ]; then
    echo "skipped: no node-llama-cpp in $modules"
    exit 77
fi
if [ ! -f "$vocabulary" ]; then
    echo "skipped: no $vocabulary"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
types=${5:-f32 f16 bf16 q8_0 q4_0 q4_1 q5_0 q5_1 q2_k q3_k q4_k q5_k q6_k iq4_nl iq4_xs mxfp4}
files=()
grep -v '^__ggml_vocab_test__' "$vocabulary.inp" | grep '[[:alnum:]]' | awk 'NR % 3 == 1' >"$work/texts"
for _ in 1 2 3 4 5 6 7 8; do printf 'A longer text goes over more than one block of keys, and so on. '; done >>"$work/texts"
LC_ALL=C awk 'length($0) < 200' "$work/texts" >"$work/short" # for models whose tokens are bytes

# embed NAME TEXTS: our vectors, by the model NAME
embed()
{
    "$swell" embed --model "$work/$1.gguf" --file "$work/$2" --raw --json >"$work/$1.jsonl"
    files+=("$work/$2" "$work/$1.gguf" "$work/$1.jsonl")
}

pooling=0 # llama.cpp's: 1 mean, 2 cls, 3 last
for type in $types; do
    pooling=$((pooling % 3 + 1))
    "$bert" bert "$type" $pooling "$vocabulary" "$work/bert-$pooling-$type.gguf"
    embed "bert-$pooling-$type" texts
done
for pooling in 2 3; do
    "$bert" bert f32 $pooling "$vocabulary" "$work/bert-$pooling-f32.gguf"
    embed "bert-$pooling-f32" texts
done
"$swell" convert "$work/bert-2-f32.gguf" "$work/converted-q4_k.gguf" --type q4_k_m 2>/dev/null
embed converted-q4_k texts
for arch in llama qwen3; do
    "$language" write $arch f32 "$work/$arch.gguf"
    for pooling in 1 3; do
        "$bert" pool $pooling "$work/$arch.gguf" "$work/$arch-$pooling-f32.gguf"
        embed "$arch-$pooling-f32" short
    done
done
node "$(dirname "$0")/llamacpp_embeddings.mjs" "$modules" "${files[@]}" >"$work/distances"
status=0
[ "$(wc -l <"$work/distances")" = $((${#files[@]} / 3)) ] || status=1
# A share of the length of a vector, of three layers that norms bring to unit variance.  Where numbers are not rounded,
# llama.cpp's gelu is off by 5e-4 (tanh in place of erf) and 2^-11 (its table of f16) a layer; bf16: it rounds 18 times by
# 2^-9 / sqrt(3), too; blocks: both round to bytes, in blocks of 32 or 256 whose greatest is at 2 to 3 deviations, each
# by up to 7e-3, 18 times: 4e-2.
while read -r name distance unlike; do
    case $name in *-f32 | *-f16) bound=3e-3 ;; *-bf16) bound=8e-3 ;; *) bound=4e-2 ;; esac
    verdict=$(awk -v d="$distance" -v b=$bound -v u="$unlike" 'BEGIN { print (d <= b && d >= 0 && u < 0.9) ? "good" : "BAD" }')
    [ "$verdict" = good ] || status=1
    echo "$name: differs by $distance of its length (at most $bound), two texts have a cosine of $unlike: $verdict"
done <"$work/distances"
exit $status
