# daemons.tcl - single daemons on a state directory of their own, for tests of
# what each does alone.  Needs cluster.tcl (cluster_init).  Only processes
# started here are ended, by pid.

set ::daemons(n) 0

proc daemon_path {name} { file join [cluster_bin] quorate-$name }

# Runs a daemon that is expected to end by itself.  Gives {exit stderr}.
proc daemon_run {name dir args} {
  set err [file join $dir run run.[incr ::daemons(n)].err]
  set code [catch {exec timeout -k 2 20 env {*}[daemon_env] QUORATE_STATE_DIR=$dir \
    [daemon_path $name] {*}$args 2> $err > /dev/null} out opts]
  set exit 0
  if {$code} {
    set ec [dict get $opts -errorcode]
    set exit [expr {[lindex $ec 0] eq "CHILDSTATUS" ? [lindex $ec 2] : 128}]
  }
  return [list $exit [string trim [read_file $err]]]
}

# The environment without anything that would configure a daemon.
proc daemon_env {} {
  set out {}
  foreach row [config_table] { lappend out -u [lindex $row 0] }
  lappend out -u QUORATE_CONFIG
  return $out
}

# Starts a daemon on a free port.  Gives a dict with pid, addr, log.
proc daemon_start {name dir args} {
  set base [file join $dir run $name.[incr ::daemons(n)]]
  set prefix [dict get {tlogd tlog authd auth cad ca} $name]
  set bind [expr {"--$prefix-bind" in $args ? {} : [list --$prefix-bind 127.0.0.1:0]}]
  set pid [exec env {*}[daemon_env] QUORATE_STATE_DIR=$dir MOVES_FILE=[file join $dir run moves] \
    [daemon_path $name] {*}$bind --ready-file $base.ready {*}$args 2> $base.log > /dev/null &]
  on_finish [list daemon_stop $pid]
  set end [expr {[clock milliseconds] + 20000}]
  while {![file exists $base.ready] && [clock milliseconds] < $end} {
    if {![process_alive $pid]} { break }
    after 10
  }
  if {![file exists $base.ready]} { error "$name is not ready: [read_file $base.log]" }
  return [dict create pid $pid addr [string trim [read_file $base.ready]] log $base.log \
    ready $base.ready name $name]
}

# Ends a daemon.  Gives whether it went in time.
proc daemon_stop {pid {signal TERM}} {
  if {![process_alive $pid] || [zombie $pid]} { return 1 }
  catch {exec kill -$signal $pid}
  set end [expr {[clock milliseconds] + 13000}]
  while {[clock milliseconds] < $end} {
    if {![process_alive $pid] || [zombie $pid]} { return 1 }
    after 10
  }
  catch {exec kill -KILL $pid}
  return 0
}

# Every entry of the log, as {kind body} with the body as text.
proc log_kinds {node} {
  lmap e [node_entries $node 0 0] {
    regexp {"kind":"([a-z_.]+)"} $e -> k
    set k
  }
}
proc log_of_kind {node kind} {
  # The log gives so many at once; the page behind its last entry is empty.
  set all {}
  while {[llength [set page [node_entries $node [llength $all] 0]]]} { lappend all {*}$page }
  lmap e $all {
    if {![string match *\"kind\":\"$kind\"* $e]} { continue }
    set e
  }
}

# Waits until a process that was killed is gone.
proc within_gone {pid {ms 5000}} {
  set end [expr {[clock milliseconds] + $ms}]
  while {[process_alive $pid] && ![zombie $pid] && [clock milliseconds] < $end} { after 5 }
}
