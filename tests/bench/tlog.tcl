# tlog.tcl - libtlog's rates, times and sizes, each beside its floor.  Arguments:
# the number of entries (default 1000000; 100000 for a look, 10000000 for the
# second half of the goals), then parts (hash sync commit fill threads open proofs
# audit grown).  BENCH_DIR names a folder on the disk to be measured (default: the
# build folder).  The columns: what, figure, unit, what it is divided by, the
# ratio, the goal of that figure or ratio.
#
# "A file per tile" emulates what Tessera's POSIX storage does for each commit:
# entry bundle, tiles, tree state and checkpoint are files, each written with
# O_SYNC under another name, linked or renamed, and its directory synced: 8 syncs
# for one entry.  This log needs 2: the write-ahead log, and after it the anchor.
# "Raw file" writes entries with their lengths and the leaf hashes over a file
# that is there already, hashes the whole tree, and syncs once a commit.
set build $::env(builddir)
exec make -C $build tlog_bench >@stderr 2>@stderr
set size [expr {[llength $argv] && [string is wide -strict [lindex $argv 0]] ? [lindex $argv 0] : 1000000}]
set parts [lsearch -inline -all -not -regexp $argv {^\d+$}]
set base [expr {[info exists ::env(BENCH_DIR)] ? $::env(BENCH_DIR) : $build}]
set dir [file join $base bench-[pid]]
file mkdir $dir
puts "tlog, $size entries of 200 bytes, [clock format [clock seconds] -gmt 1 -format {%Y-%m-%d %H:%M}] UTC, $base"
set failed [catch {exec $build/tlog_bench $dir $size {*}$parts >@stdout 2>@stderr}]
file delete -force $dir
exit $failed
