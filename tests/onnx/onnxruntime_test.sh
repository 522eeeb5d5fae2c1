#!/bin/bash
# onnxruntime_test.sh SOURCE COMPARE QUANTISED: real models, and one of bytes that QUANTISED writes, give the
# numbers that ONNX Runtime gives.  Its npm package
# is looked for in $SWELL_ONNXRUNTIME (npm install --prefix /tmp/ort onnxruntime-node: the default), the
# models in ../shared beside the checkout; exit 77 where either is absent.
set -euo pipefail

source=$1 compare=$2 quantised=$3
module=${SWELL_ONNXRUNTIME:-/tmp/ort}/node_modules/onnxruntime-node
weights=
for place in "$source/../shared" "$source/../../shared"; do
    [ -d "$place/data/weights" ] && weights=$place/data/weights
done
if [ -z "$weights" ] || ! command -v node >/dev/null || [ ! -d "$module" ]; then
    echo "skipped: no shared/data/weights beside the checkout, or no onnxruntime-node in $module"
    exit 77
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
for model in "$weights"/squeezenet1.0.onnx "$weights"/onnx_ultraface/*.onnx; do
    node "$(dirname "$0")/onnxruntime_run.cjs" "$module" "$model" "$work/in" "$work/out"
    echo -n "$(basename "$model"): "
    "$compare" "$model" "$work/in" "$work/out" || status=1
done
# Bytes: results on a tie may round the other way, by one step, of which the largest is 0.0313.
"$quantised" "$work/quantised.onnx" >/dev/null 2>&1
node "$(dirname "$0")/onnxruntime_run.cjs" "$module" "$work/quantised.onnx" "$work/in" "$work/out"
echo -n "quantised.onnx: "
"$compare" "$work/quantised.onnx" "$work/in" "$work/out" 0.0314 || status=1
exit $status
