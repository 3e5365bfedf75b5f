# cluster.tcl - the four real daemons and real participants, on 127.0.0.1 with
# free ports and a directory of their own.  Only processes started here are
# ended, by pid.

set ::cluster(n) 0

# Whether the programs are built; otherwise the reason to skip.
proc cluster_missing {} {
  foreach p {quorate quorate-tlogd quorate-authd quorate-cad quorate-coordinatord} {
    if {![file executable [file join $::env(builddir) $p]]} { return "$p is not built" }
  }
  return ""
}

# Makes a state directory; args go to `quorate init`.  Gives its path.  The
# simulated root takes seconds to make, so a build tree keeps one.
proc cluster_init {args} {
  set dir [file join [test_dir] state]
  set root [file join $::env(builddir) tests cluster-root]
  if {[file exists $root]} { lappend args --tee-root $root }
  exec [file join $::env(builddir) quorate] init --state-dir $dir {*}$args 2>@1
  if {![file exists $root]} {
    file mkdir [file dirname $root]
    file copy $dir/tee/root $root.[pid]
    # Another test may have been faster; a rename onto its directory fails.
    if {[catch {file rename $root.[pid] $root}]} { file delete -force $root.[pid] }
  }
  return $dir
}

# Makes `quorate up` of this test start other programs in place of daemons: args
# are pairs like quorate-tlogd evil-tlogd.  It looks for them beside itself, so
# it gets a directory of its own.  Their moves (tests/adversary/moves.h): moves.
proc cluster_with {args} {
  set bin [file join [test_dir] bin]
  file delete -force $bin
  file mkdir $bin
  foreach p {quorate quorate-tlogd quorate-authd quorate-cad quorate-coordinatord} {
    set from [expr {[dict exists $args $p] ? [dict get $args $p] : $p}]
    file copy [file join $::env(builddir) $from] [file join $bin $p]
  }
  set ::cluster(bin) $bin
}

proc cluster_bin {} { expr {[info exists ::cluster(bin)] ? $::cluster(bin) : $::env(builddir)} }

# What the daemons of cluster_with do from now on; nothing: as honest ones.
proc moves {dir args} {
  set path [file join $dir run moves]
  write_file $path.new [join $args]
  file rename -force $path.new $path
}

# Starts `quorate up` on a state directory with extra environment (a dict) and
# flags.  Gives a handle: a dict with pid, dir, env.
proc cluster_up {dir {extra {}} args} {
  set ready [file join $dir run up.env]
  file delete $ready
  set log [file join $dir run up.log]
  set pid [exec env MOVES_FILE=[file join $dir run moves] {*}[env_args $extra] [file join [cluster_bin] quorate] up \
             --state-dir $dir --any-port --ready-file $ready {*}$args >& $log &]
  on_finish [list cluster_stop $pid]
  if {![wait_until {[file exists $ready]} 30000]} {
    error "quorate up is not ready: [read_file $log][cluster_logs $dir]"
  }
  return [dict create pid $pid dir $dir env [read_exports $ready]]
}

proc env_args {d} {
  set out {}
  dict for {k v} $d { lappend out $k=$v }
  return $out
}

proc cluster_logs {dir} {
  set out ""
  foreach f [lsort [glob -nocomplain [file join $dir run *.log]]] {
    append out "\n== [file tail $f]\n[string range [read_file $f] end-3000 end]"
  }
  return $out
}

proc read_exports {path} {
  set d {}
  foreach line [split [read_file $path] \n] {
    regsub {^export } $line "" line
    foreach pair $line {
      if {[regexp {^([A-Z_]+)=(.*)$} $pair -> k v]} { dict set d $k [string trim $v '] }
    }
  }
  return $d
}

# What a file holds by now; "" while it is not there.
proc peek {path} { expr {[file exists $path] ? [read_file $path] : ""} }

proc process_alive {pid} { expr {![catch {exec kill -0 $pid}]} }

proc cluster_stop {pid} {
  if {![process_alive $pid]} { return }
  catch {exec kill -TERM $pid}
  if {![wait_until {![process_alive $pid] || [zombie $pid]} 20000]} {
    catch {exec kill -KILL $pid}
  }
}

proc zombie {pid} {
  if {[catch {read_file /proc/$pid/stat} s]} { return 1 }
  return [regexp {\) Z } $s]
}

# Waits until the expression is true.  Gives whether it became so.
proc wait_until {script ms} {
  set end [expr {[clock milliseconds] + $ms}]
  while {[clock milliseconds] < $end} {
    if {[uplevel 1 expr [list $script]]} { return 1 }
    after 20
  }
  return 0
}

# Pid of one of the four daemons below `quorate up`.
proc daemon_pid {c name} {
  set up [dict get $c pid]
  foreach child [read_file /proc/$up/task/$up/children] {
    if {[catch {read_file /proc/$child/cmdline} cmd]} { continue }
    if {[string match "*quorate-$name\u0000*" $cmd]} { return $child }
  }
  return ""
}

# Runs quorate with the cluster's environment.  Gives {exit stdout stderr}.
proc quorate {c args} {
  set err [file join [dict get $c dir] run stderr.[incr ::cluster(n)]]
  set code [catch {exec env {*}[env_args [dict get $c env]] \
    [file join $::env(builddir) quorate] {*}$args 2> $err} out opts]
  set exit 0
  if {$code} {
    set ec [dict get $opts -errorcode]
    set exit [expr {[lindex $ec 0] eq "CHILDSTATUS" ? [lindex $ec 2] : 128}]
    regsub {\n?child process exited abnormally$} $out "" out
  }
  return [list $exit $out [read_file $err]]
}

# The same for another program of the build tree.
proc program {c name args} {
  set code [catch {exec env {*}[env_args [dict get $c env]] \
    [file join $::env(builddir) $name] {*}$args 2>@1} out opts]
  set exit 0
  if {$code} {
    set ec [dict get $opts -errorcode]
    set exit [expr {[lindex $ec 0] eq "CHILDSTATUS" ? [lindex $ec 2] : 128}]
  }
  return [list $exit $out]
}

# Starts quorate in the background.  Gives a token for quorate_wait.
proc quorate_bg {c args} { program_bg $c quorate {*}$args }
proc program_bg {c name args} {
  set base [file join [dict get $c dir] run bg.[incr ::cluster(n)]]
  # They are read while the process runs, perhaps before its shell is up.
  write_file $base.out ""
  write_file $base.err ""
  set pid [exec env OUT=$base.out ERR=$base.err RC=$base.rc \
    sh -c {"$@" > "$OUT" 2> "$ERR"; echo $? > "$RC.tmp"; mv "$RC.tmp" "$RC"} sh \
    env {*}[env_args [dict get $c env]] \
    [file join $::env(builddir) $name] {*}$args &]
  on_finish [list quorate_end $pid]
  return [list $pid $base]
}

# Ends what a token stands for, if it still runs.
proc quorate_end {pid} {
  if {![process_alive $pid] || [zombie $pid]} { return }
  set child [quorate_pid [list $pid ""]]
  if {$child ne ""} { catch {exec kill -TERM $child} }
  catch {exec kill -TERM $pid}
}

# Waits for its end.  Gives {exit stdout stderr}; exit is "timeout" when it
# does not come.
proc quorate_wait {token {ms 60000}} {
  lassign $token pid base
  if {![wait_until {[file exists $base.rc]} $ms]} {
    return [list timeout [read_file $base.out] [read_file $base.err]]
  }
  return [list [string trim [read_file $base.rc]] [read_file $base.out] [read_file $base.err]]
}

# Pid of the quorate process behind a token (child of its shell).
proc quorate_pid {token} {
  lassign $token pid base
  foreach child [read_file /proc/$pid/task/$pid/children] { return $child }
  return ""
}

# One whole ceremony on FILE by Alice, Bob and Carol.  Gives the bundle's path.
proc ceremony {c file {payload dsse,sshsig} {extra {}}} {
  set r [quorate $c request --payload $payload --email alice@ex.com {*}$extra $file]
  if {[lindex $r 0] != 0} { error "request: $r" }
  set session [string trim [lindex $r 1]]
  set out [file join [dict get $c dir] run $session.quorate]
  set tokens {}
  foreach email {alice@ex.com bob@ex.com carol@ex.com} {
    lappend tokens [quorate_bg $c join --session $session --email $email --yes --file $file \
                      --output $out.$email]
  }
  foreach t $tokens email {alice@ex.com bob@ex.com carol@ex.com} {
    set r [quorate_wait $t]
    if {[lindex $r 0] ne "0"} { error "join $email: $r[cluster_logs [dict get $c dir]]" }
  }
  return [list $session $out.alice@ex.com]
}
