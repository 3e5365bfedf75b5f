#!/usr/bin/env bash
# lint.sh - every check of the source text; ./dev lint calls it.  The cheap ones
# (layers, calls, comments, lengths) are also part of make check.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
export srcdir=$PWD LC_ALL=C.UTF-8
failed=0
step() { printf '== %s\n' "$1"; }
bad() { failed=1; printf 'lint: %s\n' "$1"; }

mapfile -t sources < <(find src tlog tools tests/fixture tests/adversary tests/fuzz -name '*.[ch]' 2>/dev/null | sort)

step "layout (clang-format)"
# grep finds nothing in a clean tree, and that is no failure.
clang-format --dry-run -Werror "${sources[@]}" 2>&1 | { grep -E '^[^ ].*error' || true; } |
    cut -d: -f1 | uniq -c |
    awk '{print "  " $2 ": " $1 " places"; n++} END {exit n > 0}' ||
    bad "run: clang-format -i on these files"

step "layers, calls, comments, lengths (layers.test, source.test)"
for t in tests/unit/layers.test tests/unit/source.test; do
    tclsh "$t" > lint.out 2>&1 || { grep -v '^ok ' lint.out; bad "$t failed"; }
    rm -f lint.out
done

step "lengths by ctags: functions at most 70 lines, headers at most 200"
ctags -x --languages=C --kinds-C=f --_xformat='%{end} %n %F %N' "${sources[@]}" |
    awk '$1 - $2 + 1 > 70 {print "  " $3 ":" $2 ": " $4 " has " $1 - $2 + 1 " lines"; n++} END {exit n > 0}' ||
    bad "functions are too long"
wc -l "${sources[@]}" | awk '$2 ~ /\.h$/ && $1 > 200 {print "  warning: " $2 " has " $1 " lines"}'

step "C strings read outside src/base (counted)"
tclsh <<'TCL'
source tests/source.tcl
foreach hit [string_reads .] { regexp {^(.*?):\d+: calls (\w+)} $hit -> file name; incr n($file) }
foreach f [lsort [array names n]] { puts "  $f: $n($f)" }
TCL

step "index of specs (docs/SPECS.md)"
tclsh tools/spec-index.tcl . | cmp -s - docs/SPECS.md ||
    bad "docs/SPECS.md is not up to date; run: tclsh tools/spec-index.tcl . > docs/SPECS.md"

step "cppcheck"
cppcheck --quiet --enable=warning,performance,portability --std=c11 --inline-suppr \
    --suppressions-list=tools/cppcheck.suppress --error-exitcode=1 -j "$(nproc)" \
    --template='  {file}:{line}: {id}: {message}' -I src -I . \
    $(printf '%s\n' "${sources[@]}" | grep '\.c$' | grep -v '^tests/') 2>&1 ||
    bad "cppcheck complains"

[ $failed -eq 0 ] && echo "lint: ok"
exit $failed
