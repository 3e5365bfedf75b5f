# witness.tcl - our tlog-witness cosigns a log of Tessera: posix-oneshot of
# Tessera, unchanged, publishes checkpoints only with our cosignature, again and
# again as its log grows; without the witness it publishes none.  Tessera's note
# package opened the cosignatures; tlog-policy does here.  Needs Go's module proxy.
source [file join $::env(srcdir) tests tester.tcl]
source [file join $::env(srcdir) tests cluster.tcl]
source [file join $::env(srcdir) tests daemons.tcl]
source [file join $::env(srcdir) tests witness.tcl]
source [file join $::env(srcdir) tests interop lib go.tcl]
test_file interop_witness
set version v1.0.2
set why [go_program github.com/transparency-dev/tessera/cmd/examples/posix-oneshot $version]
if {$why ne ""} { skip_test all $why; finish_test }
puts "# [exec go version], tessera posix-oneshot $version"

set dir [test_dir]
set seed [string repeat \x44 32]
set vkey [tlog_vkey tessera.test/log $seed]
lassign [split $vkey +] origin id
write_file $dir/skey PRIVATE+KEY+$origin+$id+[binary encode base64 \x01$seed]
set w [witness_start [witness_init $dir w.test/w "log $vkey\nquorum none\n"]]
set policy "witness w [dict get $w vkey] http://[dict get $w addr]\nquorum w\n"
write_file $dir/policy $policy
set n 0
proc add {count} {
  set batch $::dir/batch[incr ::n]
  file mkdir $batch
  for {set i 0} {$i < $count} {incr i} { write_file $batch/[format %04d $i] "entry $::n $i" }
  set code [catch {exec timeout 60 [go_cache]/bin/posix-oneshot-$::version --storage_dir $::dir/log --private_key $::dir/skey \
    --entries $batch/* --witness_policy_file $::dir/policy --witness_timeout 5s 2>@1} out]
  return [list $code $out]
}
set size 0
foreach count {1 2 300 255 40} {
  set r [add $count]
  incr size $count
  do_test add.$count {lindex $r 0} 0
  if {[lindex $r 0]} { puts "# [string map {\n "\n# "} [lindex $r 1]]" }
  do_test cosigned.$count {
    lrange [tlog_policy_check "log $vkey\n$policy" [read_file $dir/log/checkpoint]] 0 1
  } [list $origin $size]
}
do_test remembered {exec sqlite3 [dict get $w db] "SELECT origin, size FROM latest"} $origin|$size
# Not without the witness.
do_test stop {daemon_stop [dict get $w pid]} 1
set r [add 3]
do_test alone {lrange [tlog_policy_check "log $vkey\n$policy" [read_file $dir/log/checkpoint]] 1 1} $size
finish_test
