# rpc.tcl - helpers of the rpc tests.

# A channel to a server of this process, without TLS.
proc channel {server args} {
  return [rpc_channel [list target 127.0.0.1:[rpc_port $server] {*}$args]]
}

# Runs script until it gives value, for at most 5 s; the last value.
proc eventually {value script} {
  for {set i 0} {$i < 500} {incr i} {
    set got [uplevel 1 $script]
    if {$got eq $value} { return $got }
    after 10
  }
  return $got
}

proc between {lo x hi} { return [expr {$lo <= $x && $x <= $hi}] }
