#!/bin/bash
# The program and the kernels on CPUs that lack a feature, in an emulator that refuses instructions
# which the CPU does not have: each must choose kernels that it can run, and get the bits of a real CPU
# with these kernels.
# usage: qemu_test.sh PROGRAM CHECKKERN
set -u
checkkern=$2
qemu=$(command -v qemu-x86_64) || {
    echo "SKIPPED: qemu-x86_64 is missing (Debian: qemu-user)"
    exit 77
}
if [ "$(uname -m)" != x86_64 ]; then
    echo "SKIPPED: the program is not for x86-64"
    exit 77
fi
. "$(dirname "$0")/program.sh"

# ---- a small data set: header fields are four bytes, big-endian ---------------------------------------
pictures() # count in hexadecimal, rows and columns 12
{
    printf '\0\0\10\3\0\0\0\x'"$1"'\0\0\0\14\0\0\0\14'
    seq 1 20000 | head -c $((0x$1 * 144))
}

labels() # count in hexadecimal
{
    printf '\0\0\10\1\0\0\0\x'"$1"
    for ((i = 0; i < 0x$1; i++)); do printf "\\x$(printf %02x $((i % 10)))"; done
}

mkdir "$dir/data"
for part in train t10k; do
    pictures 10 >"$dir/data/$part-images-idx3-ubyte"
    labels 10 >"$dir/data/$part-labels-idx1-ubyte"
done

train() # file, command that runs the program ...
{
    "${@:2}" train convnet --data "$dir/data" --batch 8 --epochs 1 --threads 2 --out "$1" \
        >"$dir/log" 2>&1 || fail "training by '${*:2}': $(tail -1 "$dir/log")"
}

for isa in ref avx2; do # what this CPU says; one without AVX2 has nothing to compare with
    SWELL_CPU=$isa "$swell" version >/dev/null 2>&1 || continue
    SWELL_CPU=$isa train "$dir/$isa.safetensors" "$swell"
done

# ---- every CPU ------------------------------------------------------------------------------------------
emulate() # CPU, command ...
{
    local status
    "$qemu" -cpu "$1" "${@:2}" 2>"$dir/said"
    status=$?
    grep -v '^qemu-x86_64: warning: TCG' "$dir/said" >&2
    return $status
}

# qemu's name of the CPU, the kernels that it must choose
on_cpu()
{
    local cpu=$1 want=$2 out
    out=$(emulate "$cpu" "$swell" version 2>&1) || fail "$cpu: $out"
    grep -q "kernels for $want\$" <<<"$out" || fail "$cpu: not $want, but: $out"
    train "$dir/qemu.safetensors" emulate "$cpu" "$swell"
    if [ -f "$dir/$want.safetensors" ]; then
        cmp -s "$dir/$want.safetensors" "$dir/qemu.safetensors" ||
            fail "$cpu: other weights than with $want on this machine"
    fi
    echo "$cpu: $want"
}

on_cpu qemu64 ref        # SSE2, nothing above
on_cpu Nehalem ref       # SSE4.2
on_cpu SandyBridge ref   # AVX
on_cpu Haswell,-avx2 ref # FMA, F16C and BMI without AVX2
on_cpu Haswell,-fma ref
on_cpu Haswell,-f16c ref
on_cpu Haswell,-xsave ref # an operating system that does not save wide registers
on_cpu Haswell,-bmi1,-bmi2,-abm avx2 # the kernels use none of these
on_cpu Haswell avx2
on_cpu EPYC avx2

# Kernels.  Not those with masked loads: qemu 7.2 reads the lanes too that are masked out, and the
# buffers of checkkern end at a page that cannot be read.
on_kernels() # CPU, the kernels, their names
{
    local out
    out=$(emulate "$1" "$checkkern" --filter "$3" 2>&1) || fail "$1: $(tail -3 <<<"$out")"
    grep -q "up to $2\$" <<<"$out" || fail "$1: $(head -1 <<<"$out"), not $2"
    grep -q '^[1-9][0-9]* kernels, all right' <<<"$out" || fail "$1: no kernel is called $3"
}

on_kernels qemu64 ref softmax
on_kernels Haswell,-f16c ref softmax
on_kernels Haswell,-bmi1,-bmi2,-abm avx2 limit

# ---- what the CPU lacks is refused -----------------------------------------------------------------------
for pair in "qemu64 avx2" "Haswell avx512" "Haswell,-fma avx2" "EPYC amx"; do
    read -r cpu isa <<<"$pair"
    SWELL_CPU=$isa emulate "$cpu" "$swell" info convnet >"$dir/out" 2>"$dir/err"
    [ $? = 1 ] || fail "$cpu: SWELL_CPU=$isa is not refused"
    [ "$(wc -l <"$dir/err")" = 1 ] && grep -q "SWELL_CPU is '$isa', but this CPU has at most" "$dir/err" ||
        fail "$cpu: SWELL_CPU=$isa says: $(cat "$dir/err")"
done

[ $failed = 0 ] && echo "runs on every CPU"
exit $failed
