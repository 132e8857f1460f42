#!/bin/sh
# run.sh FUZZER SEEDS SECONDS: fuzzes, and says how much; what makes it fail is
# kept beside the fuzzer.
set -eu
fuzzer=$1 seeds=$2 seconds=$3
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
if ! "$fuzzer" -max_total_time="$seconds" -print_final_stats=1 -verbosity=0 \
	-artifact_prefix="$fuzzer-" "$corpus" "$seeds" >"$corpus.log" 2>&1; then
	tail -60 "$corpus.log" >&2
	rm -f "$corpus.log"
	exit 1
fi
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$corpus.log")
rm -f "$corpus.log"
echo "fuzz ${fuzzer##*/}: $runs inputs in $seconds s, none failed"
