# witness.tcl - runs tlog-witness for tests.  Needs cluster.tcl, daemons.tcl.

proc witness_path {} { file join [cluster_bin] tlog-witness }

# Makes a witness in a folder of its own; gives a dict: name dir db key vkey policy.
proc witness_init {dir name policy} {
  set d [file join $dir witness[incr ::witness_n]]
  file mkdir $d
  file attributes $d -permissions 0700
  set w [dict create name $name dir $d db $d/witness.db key $d/witness.key policy $d/logs.policy]
  write_file $d/logs.policy $policy
  dict set w vkey [exec env -u QUORATE_CONFIG [witness_path] --init --name $name --db $d/witness.db --key $d/witness.key]
  return $w
}
# Starts it; adds pid and addr.
proc witness_start {w {listen 127.0.0.1:0}} {
  set d [dict get $w dir]
  set ready $d/ready
  file delete $ready
  set pid [exec env -u QUORATE_CONFIG [witness_path] --name [dict get $w name] --db $d/witness.db --key $d/witness.key \
    --policy $d/logs.policy --listen $listen --ready-file $ready 2>> $d/log > /dev/null &]
  on_finish [list daemon_stop $pid]
  set end [expr {[clock milliseconds] + 20000}]
  while {![file exists $ready] && [clock milliseconds] < $end && [process_alive $pid]} { after 10 }
  if {![file exists $ready]} { error "the witness is not ready: [read_file $d/log]" }
  dict set w pid $pid
  dict set w addr [string trim [read_file $ready]]
  return $w
}
# Runs it to its end with these options: {exit output}.
proc witness_run {w args} {
  set d [dict get $w dir]
  foreach {o v} {--db witness.db --key witness.key --policy logs.policy} {
    if {$o ni $args} { lappend args $o $d/$v }
  }
  set code [catch {exec timeout 20 env -u QUORATE_CONFIG [witness_path] {*}$args 2>@1} out o]
  return [list [expr {$code ? [lindex [dict get $o -errorcode] 2] : 0}] $out]
}
