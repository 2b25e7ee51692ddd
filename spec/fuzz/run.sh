#!/bin/sh
# run.sh SECONDS [TARGET...]: fuzz each target for so long, two at a time; all targets without a name.
# The last line counts them as busted does. A finding stays in build/fuzz/findings. Leaks are looked for
# once, at the end: Lua frees at its leisure, and libFuzzer would search the heap after each input.
set -eu
seconds=$1
shift
cd "$(dirname "$0")/../.."
# shellcheck disable=SC2046 # one word a target; spec/tools/fuzz_spec.lua sees that each has seeds
[ $# -gt 0 ] || set -- $(ls spec/fuzz/seeds)
mkdir -p build/fuzz/findings build/fuzz/corpus

one() {
    target=$1
    mkdir -p "build/fuzz/corpus/$target"
    if FUZZ_TARGET=$target build/fuzz/fuzz -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
        -max_len=4096 -detect_leaks=0 -verbosity=0 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/findings/$target-" \
        "build/fuzz/corpus/$target" "spec/fuzz/seeds/$target" >"build/fuzz/$target.log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$target.log")
        echo "fuzz: $target: $runs inputs in $seconds s"
    else
        echo "fuzz: $target: found something; again with:"
        echo "  FUZZ_TARGET=$target build/fuzz/fuzz build/fuzz/findings/$target-..."
        tail -n 30 "build/fuzz/$target.log"
        return 1
    fi
}

failed=0
while [ $# -gt 0 ]; do
    first=$1
    second=${2-}
    shift
    [ -z "$second" ] || shift
    one "$first" &
    job=$!
    if [ -n "$second" ]; then
        one "$second" || failed=$((failed + 1))
    fi
    wait "$job" || failed=$((failed + 1))
    count=$((${count-0} + 1 + ${second:+1} + 0))
done
echo "$((count - failed)) successes / $failed failures / 0 errors / 0 pending : $seconds seconds each"
[ "$failed" = 0 ]
