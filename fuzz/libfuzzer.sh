#!/usr/bin/env bash
# Runs the fuzz target as `cargo fuzz run --sanitizer none program` does, for who has no cargo-fuzz.
# Arguments go to libFuzzer: ./libfuzzer.sh -max_total_time=600
set -euo pipefail
cd "$(dirname "$0")"
coverage=(-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
  -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares)
target=$(rustc -vV | sed -n 's/^host: //p')
# With a target, so that the flags are not for build scripts and macros.
RUSTFLAGS="--cfg fuzzing ${coverage[*]}" cargo build --release --bin program --target "$target" --target-dir target/libfuzzer
mkdir -p corpus/program artifacts/program
exec "target/libfuzzer/$target/release/program" -artifact_prefix=artifacts/program/ "$@" corpus/program
