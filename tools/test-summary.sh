#!/usr/bin/env bash
# test-summary.sh STATUS LOG TEST... - counts the TAP cases of a make check that
# ended with STATUS; run in the build folder.  The last line is
# `N passed, N failed, N skipped`; the exit code is 1 when anything failed.
#
# A file that ended early (no plan, a crash, no result at all) is one failed
# case more.  An exit status of 1 after failed cases is how a test file says
# that cases failed, and counts no second time.
#
# The .trs file has the driver's verdicts, the .log file their names.
set -euo pipefail
status=$1
log=$2
shift 2
passed=0 failed=0 skipped=0
failures=() skips=() bad_logs=()

count() { grep -c -E "^:test-result: ($2)" "$1" || :; }
names() { sed -n -E "s/^($3): (.*)$/\2/p" "$2" | grep -F -- "$1 " || :; }

judge_file() {
    local test=$1 base=$2 f early
    passed=$((passed + $(count "$base.trs" PASS)))
    skipped=$((skipped + $(count "$base.trs" SKIP)))
    mapfile -t -O ${#skips[@]} skips < <(names "$test" "$base.log" SKIP)
    f=$(count "$base.trs" 'FAIL|XFAIL|XPASS')
    mapfile -t -O ${#failures[@]} failures < <(names "$test" "$base.log" 'FAIL|XFAIL|XPASS')
    early=$(names "$test" "$base.log" ERROR)
    if [ -n "$early" ] && { [ "$f" -eq 0 ] || [ "$early" != "$test - exited with status 1" ]; }; then
        f=$((f + 1))
        failures+=("$test ended early:$(printf '%s\n' "$early" | sed 's/^[^ ]* - / /' | paste -s -d ';')")
    fi
    failed=$((failed + f))
    [ "$f" -eq 0 ] || bad_logs+=("$base.log")
}

# The failed cases with the comment lines that explain them, and what else was
# said: at most the last 25 lines.
explain() {
    awk '/^(PASS|SKIP|FAIL|ERROR|XFAIL|XPASS): / {next}
         /^not ok / {show = 1; print "  " $0; next}
         /^(ok |1\.\.)/ {show = 0; next}
         /^#/ && show {print "  " $0; next}
         {line[n++ % 25] = substr($0, 1, 400)}
         END {for (i = n > 25 ? n - 25 : 0; i < n; i++) print "  " line[i % 25]}' "$1"
}

for test in "$@"; do
    base=${test%.test}
    if [ -f "$base.log" ] && [ -f "$base.trs" ] && grep -q '^:test-result: ' "$base.trs"; then
        judge_file "$test" "$base"
    else
        failed=$((failed + 1))
        failures+=("$test gave no result")
        [ ! -f "$base.log" ] || bad_logs+=("$base.log")
    fi
done

if [ ${#skips[@]} -gt 0 ]; then
    printf 'Skipped:\n'
    printf '  %s\n' "${skips[@]}"
fi
for l in ${bad_logs[@]+"${bad_logs[@]}"}; do
    printf '\n%s:\n' "$PWD/$l"
    explain "$l"
done
if [ ${#failures[@]} -gt 0 ]; then
    printf '\nFailed:\n'
    printf '  %s\n' "${failures[@]}"
fi
if [ $# -eq 0 ] || { [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; }; then
    failed=$((failed + 1))
    printf '\nmake check failed outside the tests; the end of %s:\n' "$log"
    tail -n 30 "$log" | sed 's/^/  /'
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
