#!/bin/sh
# run.sh FUZZERS SECONDS JOBS NAME...: fuzzes each target for so many seconds,
# JOBS at a time, and says how much; what makes one fail is kept in FUZZERS.
set -eu
fuzzers=$1 seconds=$2 jobs=$3
shift 3

if [ $# -gt 1 ]; then
	printf '%s\n' "$@" | xargs -P "$jobs" -I NAME "$0" "$fuzzers" "$seconds" 1 NAME
	exit
fi
name=$1 here=${0%/*}
scratch=$(mktemp -d -p /dev/shm)
trap 'rm -rf "$scratch"' EXIT
set -- "-max_total_time=$seconds" -print_final_stats=1 -verbosity=0 \
	"-artifact_prefix=$fuzzers/$name-" "$scratch/corpus" "$here/seeds/$name"
[ ! -e "$here/$name.dict" ] || set -- "-dict=$here/$name.dict" "$@"
mkdir "$scratch/corpus"
if ! TMPDIR=$scratch "$fuzzers/fuzz_$name" "$@" >"$scratch/log" 2>&1; then
	tail -60 "$scratch/log" >&2
	exit 1
fi
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$scratch/log")
echo "fuzz $name: $runs inputs in $seconds s, none failed"
