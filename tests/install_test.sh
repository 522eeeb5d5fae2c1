#!/bin/bash
# install_test.sh SOURCE BUILD: install into an empty folder, move it, and build the examples against
# it from outside, once by find_package(swell) and once by pkg-config; then run them.
set -euo pipefail

source=$1 build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

quietly() # run a command; show its output only when it fails
{
    if ! "$@" >"$work/log" 2>&1 </dev/null; then
        cat "$work/log"
        echo "failed: $*"
        exit 1
    fi
}

quietly cmake --install "$build" --prefix "$work/first"
# Nothing may remember the place that it was installed to.
mv "$work/first" "$work/prefix"
soname=$(find "$work/prefix" -name 'libswell.so.[0-9]')
library=$(dirname "${soname:?no versioned library}")
if [ -x "$work/prefix/bin/swell" ]; then
    quietly "$work/prefix/bin/swell" --version
fi

mkdir "$work/examples" "$work/by-pkg-config"
cp "$source"/examples/*.c "$source"/examples/CMakeLists.txt "$work/examples"

quietly cmake -S "$work/examples" -B "$work/by-cmake" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_PREFIX_PATH="$work/prefix"
quietly cmake --build "$work/by-cmake"

export PKG_CONFIG_PATH=$library/pkgconfig
read -r -a flags <<<"$(pkg-config --cflags --libs swell)"
for example in "$work"/examples/*.c; do
    name=$(basename "$example" .c)
    quietly "${CC:-cc}" -std=c11 -O2 -Wall -Wextra -Werror -o "$work/by-pkg-config/$name" \
        "$example" "${flags[@]}" -lm -Wl,-rpath,"$library"
    quietly "$work/by-cmake/$name"
    quietly "$work/by-pkg-config/$name"
    echo "$name: built and run by CMake and by pkg-config"
done
