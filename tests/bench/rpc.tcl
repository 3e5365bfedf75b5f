# rpc.tcl - what a caller of tlogd sees: appends over attested mTLS gRPC, one entry
# a call with 64 in flight and 1,000 a call with two, beside the same server's
# empty call and beside bare Ed25519 verification, which every entry needs.
# Arguments: seconds for each figure (default 4), then parts (one batch), then
# flags of tlogd.
source [file join $::env(srcdir) tests tester.tcl]
source [file join $::env(srcdir) tests cluster.tcl]
source [file join $::env(srcdir) tests daemons.tcl]
set why [cluster_missing]
if {$why ne ""} { puts "bench rpc: $why"; exit 69 }
exec make -C $::env(builddir) rpc_bench >@stderr 2>@stderr
set seconds [expr {[llength $argv] ? [lindex $argv 0] : 4}]
set parts [lsearch -inline -all -regexp $argv {^(one|batch)$}]
set flags [lrange $argv [expr {1 + [llength $parts]}] end]
set dir [cluster_init]
set d [daemon_start tlogd $dir {*}$flags]
puts "rpc, [clock format [clock seconds] -gmt 1 -format {%Y-%m-%d %H:%M}] UTC, client and server on the same machine"
set failed [catch {exec [file join $::env(builddir) rpc_bench] $dir [dict get $d addr] $seconds {*}$parts >@stdout 2>@stderr}]
daemon_stop [dict get $d pid]
run_cleanup
exit $failed
