# What the tests of the program share, to be sourced with the program as $1: $swell, a folder $dir that goes away at
# the end, and two ways to fail.
swell=$1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0

fail()
{
    echo "FAIL: $*"
    failed=1
}

# A command that must fail with status 1, one line on standard error that holds the text, and nothing
# on standard output.
refused() # text, arguments ...
{
    local text=$1 status
    shift
    "$swell" "$@" >"$dir/out" 2>"$dir/err" </dev/null
    status=$?
    [ $status = 1 ] || fail "'$*' ended with $status, not 1"
    [ "$(wc -l <"$dir/err")" = 1 ] || fail "'$*' said $(wc -l <"$dir/err") lines: $(cat "$dir/err")"
    grep -qF -- "$text" "$dir/err" || fail "'$*' said '$(cat "$dir/err")', without '$text'"
    [ ! -s "$dir/out" ] || fail "'$*' wrote to standard output"
}
