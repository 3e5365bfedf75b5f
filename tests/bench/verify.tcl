# verify.tcl - how long the offline verifier takes, and how large bundles are,
# by the number of approvers.  Ceremonies are generated; BENCH_PEOPLE gives
# other sizes (64 takes minutes to generate: its key generation has 64 parties).
source [file join $::env(srcdir) tests tester.tcl]
source [file join $::env(srcdir) tests ceremony.tcl]
if {![have_simulator]} { puts "bench verify: built without the simulator"; exit 69 }
set ceremony_dir [test_dir]
set file [string repeat "bench\n" 1000]
foreach n [expr {[info exists ::env(BENCH_PEOPLE)] ? $::env(BENCH_PEOPLE) : {3 7 15}}] {
  set w [new_world policy [policy_text engineers [expr {$n / 2}] stewards [expr {$n - $n / 2}]]]
  set bundle [session_bundle [session_run $w $file {payloads {dsse raw sshsig}}] signed]
  set times {}
  for {set i 0} {$i < 15} {incr i} {
    set t0 [clock microseconds]
    if {[bundle_verify $w $bundle [list file $file]] ne "OK"} { puts "bench verify: refused"; exit 1 }
    lappend times [expr {([clock microseconds] - $t0) / 1000.0}]
  }
  puts [format "verify, %2d approvers: median %.1f ms, bundle %d bytes" $n \
    [lindex [lsort -real $times] 7] [string length $bundle]]
  world_free $w
}
finish_test
