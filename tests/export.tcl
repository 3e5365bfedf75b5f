# export.tcl - a log of real ceremonies as a directory of tiles under its world's
# own checkpoint, and exports of it.
source [file join $::env(srcdir) tests ceremony.tcl]

# The newest checkpoint that a session's bundle has.
proc checkpoint_of {s} { string map [list \\n \n] [string trim [json_get [session_bundle $s signed] checkpoint] \"] }

# export_world DIR N: makes DIR/trust and DIR/tiles; gives the entries.
proc export_world {dir n {options {}}} {
  set ::ceremony_dir $dir
  set w [new_world {*}$options]
  for {set i 0} {$i < $n} {incr i} {
    set s [session_run $w "the artifact\n" [list payloads {dsse raw sshsig} name [lindex {"" =1+1 "a, \"b\""} [expr {$i % 3}]]]]
    if {$i == $n - 2} { write_file $dir/early.checkpoint [checkpoint_of $s] }
  }
  file mkdir $dir/trust
  foreach f {trust.json ca-root.pem participant-ca.pem group-ca.pem signing.policy attestation.policy} {
    write_file $dir/trust/$f [world_file $w $f]
  }
  set entries [world_entries $w]
  export_tiles $dir $entries [checkpoint_of $s]
  world_free $w
  return $entries
}

# Writes DIR/tiles with the entries, under the checkpoint, or one by another key.
proc export_tiles {dir entries {checkpoint ""}} {
  set options [list path $dir/log.db origin other.test seed [string repeat \x07 32]]
  foreach f [glob -nocomplain $dir/log.db*] { file delete $f }
  file delete -force $dir/tiles
  log_create $options
  log_open export_log $options
  foreach e $entries { export_log append $e }
  export_log close
  exec $::env(builddir)/tlog-verify tiles --db $dir/log.db -o $dir/tiles
  if {$checkpoint ne ""} { write_file $dir/tiles/checkpoint $checkpoint }
}

# {exit stdout stderr} of a program of the build.
proc run_program {name args} {
  set dir [test_dir]
  set code [catch {exec $::env(builddir)/$name {*}$args >$dir/.out 2>$dir/.err </dev/null} - o]
  set exit 0
  if {$code} {
    set ec [dict get $o -errorcode]
    set exit [expr {[lindex $ec 0] eq "CHILDSTATUS" ? [lindex $ec 2] : $ec}]
  }
  return [list $exit [string trim [read_file $dir/.out]] [string trim [read_file $dir/.err]]]
}

# A log of so many ceremonies in $dir/NAME, with its trust directory, by make-log;
# $dir/node is the simulator's.  Gives the number of entries.
proc make_log {name n seed} {
  file mkdir $::dir/$name/trust
  lindex [exec $::env(builddir)/make-log $::dir/$name [sim_root] $::dir/node $n $seed 1795200000000000] 0
}
# Export of $dir/log and its proof, and the lines of a file there.
proc export_log {format file args} { run_program quorate-export --db $::dir/log/log.db --format $format -o $::dir/$file {*}$args }
proc verify {file args} { run_program tlog-verify export {*}$args $::dir/$file }
proc lines {file} { split [string trimright [read_file $::dir/$file] \n] \n }
# The value of a line "KEY VALUE" of an answer.
proc value {out key} { expr {[regexp "(?n)^$key (.*)$" $out - v] ? $v : ""} }

# A python3 that has the module: Debian's where another one comes first; "": none.
proc python_with {module} {
  foreach p {python3 /usr/bin/python3} { if {![catch {exec $p -c "import $module"}]} { return $p } }
  return ""
}
