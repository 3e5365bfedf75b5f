#!/usr/bin/env bash
# run.sh [NAME] [SECONDS] - libFuzzer over one target or all of them.  What it
# learns stays in build-fuzz/corpus, what it breaks in build-fuzz/found.
set -euo pipefail
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
build=$top/build-fuzz
seconds=${2:-60}
engine=-fsanitize=fuzzer,address,undefined

mkdir -p "$build"
cd "$build"
if [ ! -f Makefile ]; then
    "$top/configure" -q CC=clang --enable-sanitize CFLAGS="-O1 -g -fsanitize=fuzzer-no-link"
fi
make -s Makefile >&2
mapfile -t programs < <(make -s list-fuzz)
if [ $# -gt 0 ] && [ "$1" != all ]; then
    case " ${programs[*]} " in
        *" fuzz_$1 "*) programs=("fuzz_$1") ;;
        *) echo "fuzz: no target $1; there are: ${programs[*]#fuzz_}" >&2; exit 2 ;;
    esac
fi

failed=0
for p in "${programs[@]}"; do
    name=${p#fuzz_}
    mkdir -p "corpus/$name" found
    # The engine has a main of its own, so replay's is left out.
    rm -f "$p"
    make -s -j"${JOBS:-$(nproc)}" "$p" fuzz_main= LDFLAGS="$engine" >&2
    echo "== $name, $seconds s"
    ./"$p" -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=1024 \
        -print_final_stats=1 -artifact_prefix="found/$name-" \
        "corpus/$name" "$top/tests/fuzz/seeds/$name" 2> "$name.log" || failed=1
    grep -E 'stat::(number_of_executed_units|average_exec_per_sec)|ERROR|SUMMARY|Test unit written' "$name.log" || :
done
[ $failed -eq 0 ] && echo "fuzz: nothing found"
exit $failed
