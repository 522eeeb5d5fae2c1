#!/bin/bash
# needed_test.sh LIBRARY: it links to the few libraries that it may link to, by a versioned soname,
# and carries no run path.
set -euo pipefail

allowed=' libpthreadpool libcpuinfo libjansson libprotobuf-c libz libjpeg libpng16 libwebp libwebpdemux libpcre2-8 libutf8proc libm libc libpthread ld-linux-x86-64 '
dynamic=$(readelf -dW "$1")
status=0
while read -r needed; do
    if [[ $allowed != *" ${needed%%.so*} "* ]]; then
        echo "the library needs $needed"
        status=1
    fi
done < <(sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' <<<"$dynamic")
if ! grep -qE '\(SONAME\).*\[libswell\.so\.[0-9]+\]' <<<"$dynamic"; then
    echo "no versioned soname"
    status=1
fi
if grep -E '\((RPATH|RUNPATH)\)' <<<"$dynamic"; then
    status=1
fi
echo "$dynamic" | grep -E 'NEEDED|SONAME'
exit $status
