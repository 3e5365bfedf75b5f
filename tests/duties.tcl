# duties.tcl - logs of services that hold all their keys and break one duty, and what
# `tlog-verify duties` says of them.
source [file join $::env(srcdir) tests export.tcl]
package require json
set dir [test_dir]
set ceremony_dir $dir
set duties_number 0

# Index of the n-th entry of a kind; -1 counts from the end.
proc at {kind {n 0}} {
  set all {}
  for {set i 0} {$i < [llength $::entries]} {incr i} {
    if {[string match "*\"kind\":\"$kind\"*" [lindex $::entries $i]]} { lappend all $i }
  }
  return [lindex $all [expr {$n < 0 ? "end+$n+1" : $n}]]
}
# Runs a session with a twist among honest ones in a world, and the program over its
# log: {exit code} {"rule index ..." of each breach} {verdicts}.  ::detail is of all.
proc duties {twist {world {}}} {
  set w [new_world {*}$world]
  set base $::dir/[incr ::duties_number]
  file mkdir $base/trust
  foreach f {trust.json ca-root.pem participant-ca.pem group-ca.pem signing.policy attestation.policy} {
    write_file $base/trust/$f [world_file $w $f]
  }
  session_run $w "before" {payloads dsse}
  session_run $w "the file" [list payloads {dsse raw} twist $twist]
  world_tlog $w $base/log.db 0
  set ::entries [world_entries $w]
  world_free $w
  lassign [run_program tlog-verify duties --trust $base/trust --db $base/log.db --json] exit out
  set ::detail {}
  set broken {}
  set d [json::json2dict $out]
  foreach c [dict get $d checks] {
    if {[dict get $c ok] || [dict get $c name] eq "replay"} { continue }
    lappend ::detail [dict get $c detail]
    lappend broken [list [dict get $c name] [numbers [dict get $c detail]]]
  }
  set verdicts [expr {[dict exists $d signing] ? [lmap s [dict get $d signing] {dict get $s verdict}] : ""}]
  return [list $exit $broken $verdicts]
}
# The entries that a text names: numbers after "entry" or "entries".
proc numbers {text} {
  set all {}
  foreach part [regexp -all -inline {entr(?:y|ies)((?: (?:and )?[0-9]+)+)} $text] {
    if {[string match entr* $part]} { continue }
    lappend all {*}[regexp -all -inline {[0-9]+} $part]
  }
  return $all
}

set strict [list policy [policy_text requester must-not-approve]]
set eased [list logged [policy_text max_session_s 7200]]
