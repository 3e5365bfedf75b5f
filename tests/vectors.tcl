# vectors.tcl DIR - judges every file under DIR whose name it knows, with the
# code under test.  Last line: "N passed, N failed" and, if files were left out,
# ", N skipped".  Exit code 1 when something failed or nothing was judged.

package require json
set here [file dirname [file normalize [info script]]]
source [file join $here vectors merkle.tcl]
foreach area {frost snp} {
  set f [file join $here vectors $area.tcl]
  if {[file exists $f]} { source $f }
}

proc read_file {path} {
  set f [open $path rb]
  set data [read $f]
  close $f
  return $data
}

# File name pattern -> proc that judges it.
set known {
  merkle/*.jsonl          run_vectors_merkle
  frost/rfc9591-*.json    run_vectors_rfc9591
  frost/cocktail-*.json   run_vectors_cocktail
  frost/decode-*.json     run_vectors_decode
  frost/wycheproof-*.json run_vectors_wycheproof
  snp/cases.json          run_vectors_snp
  snp/certtables.json     run_vectors_certtables
}

proc files_under {dir prefix} {
  set all {}
  foreach f [lsort [glob -nocomplain -tails -directory $dir *]] {
    if {[file isdirectory [file join $dir $f]]} {
      lappend all {*}[files_under [file join $dir $f] $prefix$f/]
    } else {
      lappend all $prefix$f
    }
  }
  return $all
}

# Proc for a file, or "" with the reason in why.
proc judge_of {name whyName} {
  upvar 1 $whyName why
  foreach {pattern judge} $::known {
    if {![string match $pattern $name]} continue
    if {[llength [info commands $judge]]} { return $judge }
    set why "no judge for $pattern in this build"
    return ""
  }
  set why "unknown name"
  return ""
}

if {[llength $argv] != 1 || ![file isdirectory [lindex $argv 0]]} {
  puts stderr "usage: testfixture tests/vectors.tcl DIR"
  exit 2
}
set dir [file normalize [lindex $argv 0]]
# A folder of one area is as good as the folder that holds all of them.
set prefix ""
if {[file tail $dir] in {merkle frost snp}} { set prefix [file tail $dir]/ }
set passed 0
set failed 0
set skipped 0
foreach name [files_under $dir $prefix] {
  set path [file join $dir [string range $name [string length $prefix] end]]
  set judge [judge_of $name why]
  if {$judge eq ""} {
    puts "skip $name: $why"
    incr skipped
  } elseif {[catch {$judge $path} got]} {
    puts "FAIL $name: $got"
    incr failed
  } else {
    lassign $got p f
    puts "[expr {$f ? "FAIL" : "ok  "}] $name: $p passed, $f failed"
    incr passed $p
    incr failed $f
  }
}
puts "$passed passed, $failed failed[expr {$skipped ? ", $skipped skipped" : ""}]"
exit [expr {$failed > 0 || $passed == 0}]
