# ceremony.tcl - how long a ceremony takes once everybody has approved, how
# many go at once, how fast `quorate up` is back and what it weighs; and all of it
# where attestation reports are throttled.
#
# Times come from the entries themselves: the coordinator stamps approval.given
# when it takes the last approval and signature.made when the bundle exists.
source [file join $::env(srcdir) tests tester.tcl]
source [file join $::env(srcdir) tests cluster.tcl]
set why [cluster_missing]
if {$why ne ""} { puts "bench ceremony: $why"; exit 69 }

proc percentile {values p} {
  set v [lsort -real $values]
  lindex $v [expr {min([llength $v] - 1, int(ceil($p / 100.0 * [llength $v])) - 1)}]
}

proc micros {t} { qr_time parse $t }

# Milliseconds from the last approval.given to signature.made of a session.
proc span {c session} {
  set last 0
  set made 0
  foreach {- time kind} [regexp -all -inline {(\S+Z)  ([a-z._]+)} \
      [lindex [quorate $c show --session $session] 1]] {
    if {$kind eq "approval.given"} { set last [micros $time] }
    if {$kind eq "signature.made"} { set made [micros $time] }
  }
  return [expr {($made - $last) / 1000.0}]
}

set rounds [expr {[info exists ::env(BENCH_ROUNDS)] ? $::env(BENCH_ROUNDS) : 20}]
set c [cluster_up [cluster_init]]
set file [file join [test_dir] f]
write_file $file "bench\n"
ceremony $c $file
# As people do it: one after the other; and the worst case, all in one moment.
proc waiting {token} {
  lassign $token - base
  wait_until {[regexp {Approved} [peek $base.err]]} 30000
  after 400
}
proc in_turn {c file} {
  set session [string trim [lindex [quorate $c request --payload dsse,sshsig --email alice@ex.com $file] 1]]
  set tokens {}
  foreach who {alice bob carol} {
    lappend tokens [quorate_bg $c join --session $session --email $who@ex.com --yes --file $file --output $file.$who]
    if {$who ne "carol"} { waiting [lindex $tokens end] }
  }
  foreach t $tokens { if {[lindex [quorate_wait $t] 0] ne "0"} { puts "bench ceremony: a join failed"; exit 1 } }
  return [span $c $session]
}
foreach {how script} {
  "one after another" {in_turn $c $file}
  "all at once"       {span $c [lindex [ceremony $c $file] 0]}
} {
  set spans {}
  for {set i 0} {$i < $rounds} {incr i} { lappend spans [eval $script] }
  puts [format "last approval to bundle, 3 participants who join %-17s, loopback, durable: p50 %.1f ms  p99 %.1f ms  (n=%d; goal p50 <= 150)" \
    $how [percentile $spans 50] [percentile $spans 99] $rounds]
}

# Eight sessions at once, each with its own three participants.
set begin [clock milliseconds]
set tokens {}
for {set i 0} {$i < 8} {incr i} {
  set session [string trim [lindex [quorate $c request --email alice@ex.com $file] 1]]
  foreach who {alice bob carol} {
    lappend tokens [quorate_bg $c join --session $session --email $who@ex.com --yes --output $file.$i.$who]
  }
}
set bad 0
foreach t $tokens { if {[lindex [quorate_wait $t 120000] 0] ne "0"} { incr bad } }
set took [expr {[clock milliseconds] - $begin}]
puts [format "8 ceremonies at once: %.1f per minute (%d of 24 participants failed)" [expr {8 * 60000.0 / $took}] $bad]

foreach d {tlogd authd cad coordinatord} {
  regexp {VmRSS:\s+(\d+)} [read_file /proc/[daemon_pid $c $d]/status] -> kb
  puts [format "%-14s RSS %.1f MB (goal <= 40)" $d [expr {$kb / 1024.0}]]
}
cluster_stop [dict get $c pid]
set begin [clock milliseconds]
set c [cluster_up [dict get $c dir]]
puts [format "quorate up on an existing state directory: %d ms (goal <= 1000)" [expr {[clock milliseconds] - $begin}]]

# As where the host throttles its guests; every process opens its sessions anew.
cluster_stop [dict get $c pid]
set dir [dict get $c dir]
foreach n {tlogd authd cad coordinatord client} {
  write_file $dir/tee/$n/throttle "1 1000\n"
  write_file $dir/tee/$n/reports ""
}
set begin [clock milliseconds]
set c [cluster_up $dir]
set up [clock milliseconds]
ceremony $c $file
set reports [llength [split [string trim [read_file $dir/tee/client/reports]] \n]]
puts [format "one report a second on every machine: up in %.1f s, request to bundle in %.1f s (%d reports of the participants)" \
  [expr {($up - $begin) / 1000.0}] [expr {([clock milliseconds] - $up) / 1000.0}] $reports]
run_cleanup
