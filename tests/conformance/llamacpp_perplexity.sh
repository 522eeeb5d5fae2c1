#!/bin/bash
# llamacpp_perplexity.sh SWELL SOURCE [WINDOWS]: the default model of swell write, in every type of weights, has llama.cpp's
# perplexity within 0.5 % on FairytaleQA's test stories (8 windows of 512 tokens if not told otherwise).  node-llama-cpp is
# looked for in $SWELL_LLAMACPP (npm install --prefix /tmp/llamacpp node-llama-cpp: the default), the stories in ../shared
# beside the checkout; exit 77 where one is absent.
set -euo pipefail
swell=$1 source=$2 windows=${3:-8}
modules=${SWELL_LLAMACPP:-/tmp/llamacpp}/node_modules
stories=$source/../shared/data/text/fairytaleqa_stories/test.txt
if ! command -v node >/dev/null || [ ! -d "$modules/node-llama-cpp" ] || [ ! -f "$stories" ]; then
    echo "skipped: no node-llama-cpp in $modules, or no $stories"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
model=$source/models/tales.gguf status=0 models=()
"$swell" tokenize --model "$model" <"$stories" | tr -s ' \n' '\n\n' | sed -n "1,$((512 * windows))p" >"$work/ids"
for type in f32 f16 bf16 q8_0 q6_k q5_k_m q5_1 q5_0 q4_k_m q4_1 q4_0 iq4_nl iq4_xs mxfp4 q3_k_m q2_k; do
    "$swell" convert "$model" "$work/$type.gguf" --type $type >"$work/log" 2>&1 || { cat "$work/log"; status=1; continue; }
    models+=("$work/$type.gguf")
done
node "$(dirname "$0")/llamacpp_perplexity.mjs" "$modules" "$work/ids" 512 "${models[@]}" >"$work/theirs"
[ "$(wc -l <"$work/theirs")" = 16 ] || status=1
while read -r type theirs tokens; do
    "$swell" bench perplexity "$stories" --model "$work/$type.gguf" --windows "$windows" --json 2>/dev/null >"$work/ours"
    ours=$(sed -nE 's/.*"perplexity": ?([0-9.]+).*/\1/p' "$work/ours")
    grep -qE "\"tokens\": ?$tokens\\b" "$work/ours" || { echo "$type: other tokens"; status=1; }
    verdict=$(awk -v a="$ours" -v b="$theirs" 'BEGIN { r = a / b - 1; print (r < 0.005 && r > -0.005) ? "good" : "BAD", 100 * r "%" }')
    [ "${verdict%% *}" = good ] || status=1
    echo "$type: perplexity $ours, llama.cpp $theirs: $verdict"
done <"$work/theirs"
exit $status
