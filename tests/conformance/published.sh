#!/bin/bash
# published.sh WHAT SOURCE PROGRAM: networks that others trained are as right as they say, by folder_classes (and
# face_boxes).
#
#     squeezenet   on the 1,000 photos of GitHub EliSchwartz/imagenet-sample-images, a folder in
#                  $SWELL_IMAGENET_SAMPLES; and ONNX Runtime (npm package onnxruntime-node, a folder with
#                  node_modules in $SWELL_ONNXRUNTIME) gives the same class to at least 98 %
#     ultraface    finds in 200 of those photos the faces that ONNX Runtime finds
#     resnet56     on CIFAR-10's test pictures, a folder with a folder a class in $SWELL_CIFAR10/test.  The
#                  authors publish an error of 6.61 %, which is what PyTorch makes of these weights; the
#                  93.62 % that their checkpoint says of itself is the best epoch's
#
# The weights are in ../shared beside the checkout.  Exit 77 where anything is absent.
set -uo pipefail

what=$1 source=$2 program=$3
here=$(dirname "$0")
skip()
{
    echo "skipped: $*"
    exit 77
}

weights=
for place in "$source/../shared" "$source/../../shared"; do
    [ -d "$place/data/weights" ] && weights=$place/data/weights
done
[ -n "$weights" ] || skip "no shared/data/weights beside the checkout"

case $what in
squeezenet)
    photos=${SWELL_IMAGENET_SAMPLES:-}
    [ -d "$photos" ] || skip "SWELL_IMAGENET_SAMPLES names no folder of photos"
    model=$weights/squeezenet1.0.onnx
    module=${SWELL_ONNXRUNTIME:-/tmp/ort}/node_modules/onnxruntime-node
    asked=("$program" "$model" "$photos" 62.4 84.1 1)
    if command -v node >/dev/null && [ -d "$module" ]; then
        "${asked[@]}" stream | node "$here/onnxruntime_classes.cjs" "$module" "$model" 98
    else
        echo "without ONNX Runtime: no node, or no onnxruntime-node in $module"
        "${asked[@]}"
    fi
    ;;
ultraface)
    photos=${SWELL_IMAGENET_SAMPLES:-}
    module=${SWELL_ONNXRUNTIME:-/tmp/ort}/node_modules/onnxruntime-node
    [ -d "$photos" ] || skip "SWELL_IMAGENET_SAMPLES names no folder of photos"
    command -v node >/dev/null && [ -d "$module" ] || skip "no node, or no onnxruntime-node in $module"
    some=("$photos"/*.JPEG)
    status=0
    for model in "$weights"/onnx_ultraface/*.onnx; do
        echo -n "$(basename "$model"): "
        "$program" "$model" "${some[@]:0:200}" | node "$here/onnxruntime_faces.cjs" "$module" "$model" || status=1
    done
    exit $status
    ;;
resnet56)
    [ -d "${SWELL_CIFAR10:-}/test" ] || skip "SWELL_CIFAR10 names no folder with CIFAR-10's pictures in test/"
    "$program" "$weights"/resnet_cifar10/resnet56-*.safetensors "$SWELL_CIFAR10/test" 93.39 0 0.05
    ;;
esac
