# tlog.tcl - libtlog's rates, times and sizes, each beside its floor.  Arguments:
# the number of entries (default 1000000; 100000 for a look), then parts (hash sync
# commit fill threads open proofs audit grown names growth).  With more than 10^6 and
# no parts the log is measured at 10^6 first, and the last lines say what each figure
# costs more at the larger size.  BENCH_DIR names a folder on the disk to be measured
# (default: the build folder).  The columns: what, figure, unit, what it is divided
# by, the ratio, the goal of that figure or ratio.
#
# "A file per tile" emulates what Tessera's POSIX storage does for each commit (the
# comment there says from which source): each changed entry bundle and tile, the
# tree's state and the checkpoint is a file, written with O_SYNC under another name
# and renamed, and its directory is synced; a partial bundle's or tile's directory is
# made with a sync more.  That is 8 syncs for one entry.  Tessera itself writes its
# checkpoint at most every 100 ms, apart from the commit: the second figure.  This log
# needs 2 syncs: the write-ahead log, and after it the anchor.  "Raw file" writes
# entries with their lengths and the leaf hashes over a file that is there already,
# hashes the whole tree, and syncs once a commit.
set build $::env(builddir)
exec make -C $build tlog_bench >@stderr 2>@stderr
set size [expr {[llength $argv] && [string is wide -strict [lindex $argv 0]] ? [lindex $argv 0] : 1000000}]
set parts [lsearch -inline -all -not -regexp $argv {^\d+$}]
set base [expr {[info exists ::env(BENCH_DIR)] ? $::env(BENCH_DIR) : $build}]
set dir [file join $base bench-[pid]]
file mkdir $dir
puts "tlog, $size entries of 200 bytes, [clock format [clock seconds] -gmt 1 -format {%Y-%m-%d %H:%M}] UTC, $base"
set failed 0
if {$size > 1000000 && $parts eq ""} {
  set failed [catch {exec $build/tlog_bench $dir 1000000 fill open proofs audit grown >@stdout 2>@stderr}]
}
if {!$failed} { set failed [catch {exec $build/tlog_bench $dir $size {*}$parts >@stdout 2>@stderr}] }
file delete -force $dir
exit $failed
