# removal.tcl - attacks, and the proof that each is refused by the check that
# is named for it: the same attack succeeds in a build without that check.
#
# A file of tests/holds runs twice: in this build, where every attack must be
# refused for its reason; then, from finish_attacks, in the build that
# QUORATE_REMOVAL_BUILD names (configure --enable-check-removal), where each
# attack runs once more with its checks switched off, and must succeed.

set ::removal(on) [info exists ::env(QUORATE_REMOVING)]

# attack NAME CHECKS SCRIPT REFUSED WON: as do_test with REFUSED.  CHECKS are
# names of base/guards.def and trust/checks.def; without them all the value is
# WON.  Where there are several, each of them alone must refuse, too.
proc attack {name checks script refused won} {
  if {!$::removal(on)} { return [uplevel 1 [list do_test $name $script $refused]] }
  without $checks
  uplevel 1 [list do_test $name.without $script $won]
  if {[llength $checks] > 1} {
    foreach c $checks {
      without [lsearch -all -inline -not -exact $checks $c]
      if {[catch {uplevel 1 $script} got opts]} { set got [dict get $opts -errorcode] }
      do_test $name.only.$c {expr {$got ne $won}} 1
    }
  }
  without {}
}

# What is switched off from now on, here, in processes started from here, and in
# daemons whose QUORATE_REMOVE_FILE is the file of removed_in.
proc without {checks} {
  set ::env(QUORATE_REMOVE) [join $checks]
  if {![info exists ::removal(file)]} { return }
  set f [open $::removal(file).new w]
  puts -nonewline $f [join $checks]
  close $f
  file rename -force $::removal(file).new $::removal(file)
}
proc removed_in {path} {
  set ::removal(file) $path
  without {}
}

# honest NAME SCRIPT VALUE: what must hold in both builds.
proc honest {name script value} { uplevel 1 [list do_test $name $script $value] }

# Instead of finish_test.
proc finish_attacks {} {
  if {!$::removal(on)} { run_removed }
  finish_test
}

# The simulated root takes seconds to make; one does for both builds.
proc share_root {dir} {
  foreach root {sim-root sim-root-own cluster-root} {
    set from [file join $::env(builddir) tests $root]
    set to [file join $dir tests $root]
    if {![file exists $from] || [file exists $to]} { continue }
    file mkdir [file dirname $to]
    file copy $from $to.[pid]
    if {[catch {file rename $to.[pid] $to}]} { file delete -force $to.[pid] }
  }
}

proc run_removed {} {
  if {![info exists ::env(QUORATE_REMOVAL_BUILD)]} {
    skip_test removed "no build without checks (./dev check makes one)"
    return
  }
  set dir $::env(QUORATE_REMOVAL_BUILD)
  share_root $dir
  set pipe [open |[list env QUORATE_REMOVING=1 builddir=$dir $dir/testfixture [info script] 2>@1] r]
  set lines 0
  while {[gets $pipe line] >= 0} {
    if {[regexp {^(not )?ok \d+ - \S+?-(.*)$} $line -> bad rest]} {
      incr lines
      tap_line [expr {$bad eq ""}] removed.$rest
    } elseif {[string match "#*" $line]} {
      puts $line
    } elseif {![regexp {^1\.\.\d+$} $line]} {
      puts "# $line"
    } else {
      set planned 1
    }
  }
  catch {close $pipe}
  tap_line [expr {[info exists planned] && $lines > 0}] removed.complete
}
