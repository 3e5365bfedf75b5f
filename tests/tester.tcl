# tester.tcl - the one assertion verb and its helpers; output is TAP.
#
# A test file starts with two sentences (what it proves, how), sources this
# file, names itself with test_file, runs do_test, and ends with finish_test.

package require Tcl 8.6
set ::tester(file) "?"
set ::tester(n) 0
set ::tester(failed) 0
set ::tester(cleanup) {}
fconfigure stdout -encoding utf-8 -buffering line

proc test_file {name} { set ::tester(file) $name }

# Where the shared test vectors are, or "" when there are none.
proc vectors_dir {} {
  if {[info exists ::env(QUORATE_VECTORS)] && [file isdirectory $::env(QUORATE_VECTORS)]} {
    return $::env(QUORATE_VECTORS)
  }
  return ""
}

proc tap_line {ok name {more ""}} {
  incr ::tester(n)
  set name [string map {# "" \n " "} $name]
  puts "[expr {$ok ? "ok" : "not ok"}] $::tester(n) - $::tester(file)-$name$more"
  if {!$ok} { incr ::tester(failed) }
}

# do_test NAME SCRIPT EXPECTED: the script's value equals EXPECTED.  EXPECTED
# QR:NAME means: the script fails with errorCode {QR NAME}; /re/ and ~/re/
# match a regular expression or its absence.
proc do_test {name script expected} {
  set code [catch {uplevel 1 $script} got opts]
  if {$code == 1} {
    set ec [dict get $opts -errorcode]
    if {[lindex $ec 0] eq "QR"} {
      set text $got
      set got "QR:[lindex $ec 1]"
    } else {
      set text [dict get $opts -errorinfo]
      set got "ERROR: $got"
    }
  }
  if {[regexp {^/(.*)/$} $expected -> re]} {
    set ok [regexp -- $re $got]
  } elseif {[regexp {^~/(.*)/$} $expected -> re]} {
    set ok [expr {![regexp -- $re $got] && $code == 0}]
  } else {
    set ok [expr {$got eq $expected}]
  }
  tap_line $ok $name
  if {!$ok} {
    puts "# expected: [string range $expected 0 2000]"
    puts "#      got: [string range $got 0 2000]"
    if {[info exists text]} { foreach l [split $text \n] { puts "#   $l" } }
  }
  return $ok
}

# skip_test NAME REASON
proc skip_test {name reason} {
  incr ::tester(n)
  puts "ok $::tester(n) - $::tester(file)-$name # SKIP $reason"
}

# on_finish SCRIPT: run at the end, also after an error (stop processes, remove
# directories).
proc on_finish {script} { lappend ::tester(cleanup) $script }

proc run_cleanup {} {
  foreach s [lreverse $::tester(cleanup)] { catch {uplevel #0 $s} }
  set ::tester(cleanup) {}
}

# Whatever ends the script, an error too, ends what it started.
rename exit tcl_exit
proc exit {{code 0}} {
  run_cleanup
  tcl_exit $code
}

proc finish_test {} {
  run_cleanup
  puts "1..$::tester(n)"
  exit [expr {$::tester(failed) > 0}]
}

# A Tcl error outside do_test is a failed case, never a silent end.
proc bgerror {msg} {
  tap_line 0 "background error: $msg"
}

proc read_file {path} {
  set f [open $path rb]
  set data [read $f]
  close $f
  return $data
}

proc write_file {path data} {
  set f [open $path wb]
  puts -nonewline $f $data
  close $f
}

# A fresh directory that is removed at the end.
proc test_dir {} {
  set base [expr {[info exists ::env(TMPDIR)] ? $::env(TMPDIR) : "/tmp"}]
  for {set i 0} {$i < 100} {incr i} {
    set d [file join $base quorate-test-[pid]-[expr {int(rand()*1e9)}]]
    if {![file exists $d]} { break }
  }
  file mkdir $d
  file attributes $d -permissions 0700
  on_finish [list file delete -force $d]
  return $d
}
