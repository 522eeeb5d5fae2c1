#!/bin/bash
# llamacpp.sh PROGRAM: every architecture with every type of weights, small and random (language_random), gives
# llama.cpp's next-token probabilities.  node-llama-cpp is looked for in $SWELL_LLAMACPP (npm install --prefix
# /tmp/llamacpp node-llama-cpp: the default); exit 77 without.
set -euo pipefail
program=$1
modules=${SWELL_LLAMACPP:-/tmp/llamacpp}/node_modules
if ! command -v node >/dev/null || [ ! -d "$modules/node-llama-cpp" ]; then
    echo "skipped: no node-llama-cpp in $modules"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
types=${2:-f32 f16 bf16 q8_0 q4_0 q4_1 q5_0 q5_1 q2_k q3_k q4_k q5_k q6_k iq4_nl iq4_xs mxfp4}
files=()
for arch in ${3:-$("$program" archs)}; do
    for type in $types; do
        model=$work/$arch-$type.gguf
        written=0
        "$program" write "$arch" "$type" "$model" || written=$?
        [ $written = 77 ] && continue # a type that this version does not know
        [ $written = 0 ] && "$program" run "$model" "$work/$arch-$type.out" || { status=1; continue; }
        files+=("$model" "$work/$arch-$type.out")
    done
done
for arch in ${3:-llama gpt2}; do # low-rank adapters, beside weights of any type
    for type in f32 q8_0; do
        model=$work/$arch-$type.gguf adapter=$work/$arch-adapter.gguf
        [ -f "$model" ] || continue
        "$program" adapter "$arch" "$adapter" && "$program" run "$model" "$work/$arch-adapted-$type.out" "$adapter" ||
            { status=1; continue; }
        cmp -s "$work/$arch-$type.out" "$work/$arch-adapted-$type.out" && { echo "$arch: an adapter without effect"; status=1; }
        files+=("$model+$adapter" "$work/$arch-adapted-$type.out")
    done
done
node "$(dirname "$0")/llamacpp_divergence.mjs" "$modules" "${files[@]}" >"$work/divergences"
[ "$(wc -l <"$work/divergences")" = $((${#files[@]} / 2)) ] || status=1
# Nats: 1e-5 where only orders of sums differ, 1e-3 where activations are rounded to bytes.
while read -r name divergence entropy; do
    case $name in *-f32 | *-f16) bound=1e-5 ;; *-bf16) bound=1e-4 ;; *) bound=1e-3 ;; esac
    verdict=$(awk -v d="$divergence" -v b=$bound -v e="$entropy" 'BEGIN { print (d <= b && d > -b && e < 3 && e > 1) ? "good" : "BAD" }')
    [ "$verdict" = good ] || status=1
    echo "$name: divergence $divergence (at most $bound), entropy $entropy: $verdict"
done <"$work/divergences"
exit $status
