# netproxy.tcl - a bad network (tests/adversary/netproxy.c) between a client and
# a server of a test.  Needs cluster.tcl.

set ::netproxies 0

# A proxy to ADDR, honest so far.  Gives a handle: {channel file address}.
proc net_open {addr} {
  set moves [file join [test_dir] net.[incr ::netproxies]]
  write_file $moves ""
  set ch [open |[list env MOVES_FILE=$moves [file join $::env(builddir) netproxy] \
                   [lindex [split $addr :] end]] r+]
  on_finish [list catch [list close $ch]]
  set port [gets $ch]
  fconfigure $ch -blocking 0
  return [list $ch $moves 127.0.0.1:$port]
}
proc net_addr {net} { lindex $net 2 }
# From now on it plays these moves; "" is good weather.
proc net_play {net moves} {
  if {[zombie [pid [lindex $net 0]]]} { error "the proxy at [net_addr $net] has ended" }
  set file [lindex $net 1]
  write_file $file.new $moves
  file rename -force $file.new $file
}
# Counts what it said since it was last asked: {open N cut N replayed N}.
proc net_said {net} {
  set n {open 0 cut 0 replayed 0}
  while {[gets [lindex $net 0] line] >= 0} { dict incr n $line }
  return $n
}
