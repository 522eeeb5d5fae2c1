#!/bin/bash
# onnxruntime_export_test.sh EXPORT: the models that we export give our numbers in ONNX Runtime.  Its npm
# package is looked for in $SWELL_ONNXRUNTIME (npm install --prefix /tmp/ort onnxruntime-node: the default);
# exit 77 where it is absent.
set -euo pipefail

module=${SWELL_ONNXRUNTIME:-/tmp/ort}/node_modules/onnxruntime-node
if ! command -v node >/dev/null || [ ! -d "$module" ]; then
    echo "skipped: no onnxruntime-node in $module"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" --write "$work"
node "$(dirname "$0")/onnxruntime_export.cjs" "$module" "$work"
