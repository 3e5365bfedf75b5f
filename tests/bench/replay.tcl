# replay.tcl - `tlog-verify log` over a whole log: how fast it hashes beside SHA-256
# alone over the same bytes, and how much memory that takes.  Arguments: the number of
# entries (default 1000000; they are of 200 bytes and mean nothing, so that only
# hashes can be checked), then the number of signed entries for a replay with all
# checks (default 20000).  BENCH_DIR names a folder for the log, which is used when it
# is there (big.db, as tlog_bench fills it) and stays; else it is made and removed.
source [file join $::env(srcdir) tests tester.tcl]
source [file join $::env(srcdir) tests ceremony.tcl]
if {![have_simulator]} { puts "bench replay: built without the simulator"; exit 69 }
set build $::env(builddir)
exec make -C $build tlog_bench tlog-verify >@stderr 2>@stderr
lassign [concat $argv [lrange {1000000 20000} [llength $argv] end]] size signed
set ceremony_dir [test_dir]
set given [info exists ::env(BENCH_DIR)]
set dir [expr {$given ? $::env(BENCH_DIR) : [file join $build bench-[pid]]}]
file mkdir $dir
puts "replay, $size entries of 200 bytes, [clock format [clock seconds] -gmt 1 -format {%Y-%m-%d %H:%M}] UTC, $dir"

# A trust directory of a world, but for origin and key of its log when they are given.
proc trust_of {w to {origin ""} {vkey ""}} {
  file mkdir $to
  foreach f {trust.json ca-root.pem participant-ca.pem group-ca.pem signing.policy attestation.policy} {
    set text [world_file $w $f]
    if {$origin ne "" && $f eq "trust.json"} {
      regexp {"vkey": ?"([^"]*)"} $text -> was
      regsub {\+.*} $was "" name
      set text [string map [list $was $vkey $name $origin] $text]
    }
    # a name that is not of a log for tests goes with no lesser class
    if {$origin ne "" && $f eq "signing.policy"} { regsub -line {^classes.*$} $text {classes = none} text }
    write_file $to/$f $text
  }
}
# Runs it and prints what it says of its speed.
proc tell {name args} {
  if {[catch {exec [file join $::env(builddir) tlog-verify] log {*}$args --floor 2>@stderr} out]} {
    puts "bench replay: $out"
    exit 1
  }
  regexp -line {^speed (.*)$} $out -> speed
  puts [format "%-28s %s" $name $speed]
}

if {![file exists $dir/big.db]} { exec $build/tlog_bench $dir $size fill >@stderr }
set w [new_world]
trust_of $w $dir/trust example.com/bench [tlog_vkey example.com/bench "\1[string repeat \0 31]"]
tell "database, hashes only" --trust $dir/trust --db $dir/big.db --hashes-only
exec $build/tlog-verify tiles --db $dir/big.db -o $dir/tiles
tell "files, hashes only" --trust $dir/trust --tiles $dir/tiles --hashes-only
file delete -force $dir/tiles
trust_of $w $dir/trust
file delete $dir/signed.db
world_tlog $w $dir/signed.db $signed
tell "$signed signed, every check" --trust $dir/trust --db $dir/signed.db --allow-simulated
world_free $w
file delete {*}[glob -nocomplain $dir/signed.db*]
file delete -force $dir/trust
if {!$given} { file delete -force $dir }
finish_test
