# attest.tcl - what attestation costs: verifying evidence beside its bare
# signature, the guard of a call, attested calls beside the same server without a
# guard, handshakes, and the heap after 100,000 calls.  Argument: the calls of the
# last part (100000).  Each line: what, figure, what it is compared with, ratio, goal.
# Everything is measured in this one run; parts that are compared take turns.
source [file join $::env(srcdir) tests tester.tcl]
source [file join $::env(srcdir) tests rpc rpc.tcl]
source [file join $::env(srcdir) tests sim.tcl]
if {![have_simulator]} { puts "bench attest: built without the simulator"; exit 69 }
set calls [expr {[llength $argv] ? [lindex $argv 0] : 100000}]
proc line {what figure unit beside ratio goal} {
  puts [format "%-40s %10.2f %-6s %-34s %8s  %s" $what $figure $unit $beside $ratio $goal]
  flush stdout
}
proc median {v} { lindex [lsort -real $v] [expr {[llength $v] / 2}] }

set dir [test_dir]
make_ca $dir ca
foreach name {test alice} { make_cert $dir ca $name; sim_node $dir/node-$name [incr seed] }
set policy [snp_sim policy [sim_root]]
rpc_now $sim_now
puts "attest, [clock format [clock seconds] -gmt 1 -format {%Y-%m-%d %H:%M}] UTC"

lassign [bench_verify $policy [snp_sim evidence $dir/node-alice [string repeat d 64]] $sim_now 100] bare cold warm
line "bare P-384 verification" $bare us "" "" ""
line "evidence, certificates unknown" $cold us "the bare verification" [format %.3f [expr {$cold / $bare}]] "<= 1.8"
line "evidence, certificates met before" $warm us "the bare verification" [format %.3f [expr {$warm / $bare}]] "<= 1.2"

set e [attested_server [list dir $dir/node-test policy $policy node test role test audience test {*}[tls_of $dir ca test]]]
set s [rpc_server [list attested $e clock fixed {*}[tls_of $dir ca test]]]
set off [rpc_server [list clock fixed {*}[tls_of $dir ca test]]]
rpc_health $s 1
rpc_health $off 1
proc client {} {
  attested_client [list dir $::dir/node-alice policy $::policy node alice role alice audience test \
    target 127.0.0.1:[rpc_port $::s] {*}[tls_of $::dir ca alice]]
}
set c [client]
set plain [list target 127.0.0.1:[rpc_port $off] clock fixed {*}[tls_of $dir ca alice]]
bench_calls attested $c -1 1
line "guard of a call, both MACs" [bench_guard $e $c [tls_of $dir ca alice] 20000] us "" "" "<= 15"

foreach threads {1 8} {
  set with {}
  set without {}
  foreach round {1 2 3 4 5} {
    lappend with [bench_calls attested $c 1 $threads]
    lappend without [bench_calls plain $plain 1 $threads]
  }
  line "calls a second without guard, threads $threads" [median $without] /s "" "" ""
  line "attested calls a second" [median $with] /s "the same server without guard" \
    [format %.3f [expr {[median $with] / [median $without]}]] ">= 0.85"
}

# A session each: connection, TLS, two reports made and verified, one call.
set t0 [clock microseconds]
set n 40
for {set i 0} {$i < $n} {incr i} {
  set h [client]
  bench_calls attested $h -1 1
  attested_free $h
}
line "handshakes a second, with TLS and 2 calls" [expr {$n * 1e6 / ([clock microseconds] - $t0)}] /s "" "" ""

# The first tenth warms arenas and caches.
bench_calls attested $c -[expr {$calls / 10}] 8
set before [bench_heap]
bench_calls attested $c -$calls 8
set grown [expr {[bench_heap] - $before}]
# The smallest block that a call could leak is 16 bytes; thread caches come and go.
line "heap grown by $calls attested calls" [expr {$grown / double($calls)}] B/call "" "" "< 2"
attested_free $c
rpc_stop $s 500
rpc_stop $off 500
attested_free $e
finish_test
