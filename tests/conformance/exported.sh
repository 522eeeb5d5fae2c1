#!/bin/bash
# exported.sh SOURCE SWELL FOLDER_CLASSES: a network that Swell trained and wrote as ONNX gives the same
# probabilities in ONNX Runtime, within 1e-4: AlexNet of the paper, and a residual one with normalisation.
# A few steps on a few pictures; the numbers need not be good, only the same.
#
# ONNX Runtime is npm's onnxruntime-node, in a folder with node_modules that $SWELL_ONNXRUNTIME names; exit 77
# where it is absent.
set -uo pipefail

source=$1 swell=$2 classes=$3
here=$(dirname "$0")
module=${SWELL_ONNXRUNTIME:-/tmp/ort}/node_modules/onnxruntime-node
if ! command -v node >/dev/null || [ ! -d "$module" ]; then
    echo "skipped: no node, or no onnxruntime-node in $module"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/data/{turned,other}
cp "$source"/fuzz/corpus/picture/turned?.jpg "$work/data/turned"
cp "$source"/fuzz/corpus/picture/{grey.jpg,progressive.jpg,palette.png,plain.png} "$work/data/other"

status=0
for network in alexnet resnet20; do
    model=$work/$network
    if ! "$swell" train alexnet --network $network --data "$work/data" --val-fraction 0 --epochs 2 --batch 4 \
        --schedule constant --rate 0.0003 --out "$model.safetensors" >"$work/log" 2>&1 ||
        ! "$swell" convert "$model.safetensors" "$model.onnx" >>"$work/log" 2>&1; then
        cat "$work/log"
        status=1
        continue
    fi
    echo "$network:"
    "$classes" "$model.safetensors" "$work/data" 50 0 50 stream |
        node "$here/onnxruntime_classes.cjs" "$module" "$model.onnx" 100 1e-4 || status=1
done
exit $status
