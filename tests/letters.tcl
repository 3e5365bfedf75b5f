# letters.tcl - whole sessions, several at once, in which one participant dies,
# stalls or lies at a letter (tests/adversary/evil_participant.c) and a spare
# stands by for his place.  Needs tester.tcl, cluster.tcl, daemons.tcl, json.
#
# The globals of a test: c (the cluster), dir (its state directory), file.

proc letters_missing {} {
  set why [cluster_missing]
  foreach p {evil-participant evil-coordinatord} {
    if {$why eq "" && ![file executable [file join $::env(builddir) $p]]} { set why "$p is not built" }
  }
  return $why
}

# A cluster whose coordinator does as moves says; args go to `quorate init`.
proc letters_up {args} {
  set people engineer:Alice:alice@ex.com,engineer:Erin:erin@ex.com
  foreach who {Bob Carol Dora Fred} { append people ,steward:$who:[string tolower $who]@ex.com }
  cluster_with quorate-coordinatord evil-coordinatord
  set ::dir [cluster_init --people $people {*}$args]
  set ::c [cluster_up $::dir {} --coordinator-flags \
    "--round-ms 8000 --presence-ms 6000 --grace-ms 500 --backoff-ms 100"]
  set ::file [file join [test_dir] f]
  write_file $::file "letters\n"
}

# What is asked for, and what who joins has: globals payload and has_file.
proc letters_request {} {
  set more [expr {[info exists ::payload] ? [list --payload $::payload] : {}}]
  string trim [lindex [quorate $::c request --email alice@ex.com {*}$more $::file] 1]
}
proc letters_join {session who {moves ""}} {
  set c $::c
  set has [expr {[info exists ::payload] ? [list --file $::file] : {}}]
  dict set c env MOVES $moves
  program_bg $c [expr {$moves eq "" ? "quorate" : "evil-participant"}] join --session $session \
    --email $who@ex.com --yes --output $::file.$session.$who {*}$has
}
proc said {token} { peek [lindex $token 1].err }
proc ended {token} { file exists [lindex $token 1].rc }
proc has_approved {token} { expr {[regexp Approved [said $token]] || [ended $token]} }

# Bodies of all entries of a kind.  A daemon opens and keeps few attested sessions
# of one node, and every quorate here is the same node: later again.
proc bodies {kind} {
  for {set i 0} {$i < 60} {incr i} {
    if {![catch {
      if {![info exists ::log]} { set ::log [node_open $::dir client participant [dict get $::c env TLOG_ADDR] tlogd] }
      log_of_kind $::log $kind
    } entries]} { return [lmap e $entries { dict get [json::json2dict $e] body }] }
    if {[info exists ::log]} { node_close $::log; unset ::log }
    after 1000
  }
  error "the log does not answer: $entries"
}
proc of_session {id bodies} {
  lmap b $bodies { if {[dict get $b session] ne $id} continue; set b }
}

# ---- sessions: a dict with id, moves, and a token of each who joined

# In which bob, one of people, plays moves, and dora stands by.  The members are
# those who are in the log first.
proc letters_begin {people moves} {
  set s [dict create id [letters_request] moves $moves]
  foreach who $people {
    set ::letters_token [letters_join [dict get $s id] $who [expr {$who eq "bob" ? $moves : ""}]]
    dict set s token $who $::letters_token
    wait_until {[has_approved $::letters_token]} 60000
  }
  dict set s token dora [letters_join [dict get $s id] dora]
  return $s
}
proc letters_honest {s} { lsearch -all -inline -not [dict keys [dict get $s token]] bob }
proc letters_over {s} {
  foreach who [letters_honest $s] { if {![ended [dict get $s token $who]]} { return 0 } }
  return 1
}
# Exit codes of the others, once they have ended.
proc letters_close {s} {
  set codes [lmap who [letters_honest $s] { lindex [quorate_wait [dict get $s token $who] 10] 0 }]
  set bob [dict get $s token bob]
  # Whoever stood still goes on, too late.
  if {![ended $bob] && ![catch {quorate_pid $bob} victim] && $victim ne ""} {
    catch {exec kill -[expr {[string match stall* [dict get $s moves]] ? "CONT" : "KILL"}] $victim}
    quorate_wait $bob 20000
  }
  return $codes
}

# Plays {name moves} of each case, some at once.  Gives a dict of outcomes: step
# reason number-blamed all-others-signed signatures, or that no attempt failed.
proc letters_play {people at_once cases} {
  set running {}
  set codes {}
  set out {}
  while {[llength $cases] || [dict size $running]} {
    if {[llength $cases] && [dict size $running] < $at_once} {
      set cases [lassign $cases name moves]
      set s [letters_begin $people $moves]
      dict set running $name [list $s [expr {[clock seconds] + 120}]]
    }
    dict for {name pair} $running {
      lassign $pair s end
      if {![letters_over $s] && [clock seconds] < $end} { continue }
      dict set codes $name [list [dict get $s id] [letters_close $s]]
      dict unset running $name
    }
    after 20
  }
  set failed [bodies attempt.failed]
  set made [bodies signature.made]
  dict for {name pair} $codes {
    lassign $pair id exits
    set f [lindex [of_session $id $failed] 0]
    dict set out $name [expr {$f eq "" ? [list none $exits] : [list [dict get $f step] [dict get $f reason] \
      [llength [dict get $f blame]] [expr {[lsort -unique $exits] eq "0"}] [llength [of_session $id $made]]]}]
  }
  return $out
}
# ---- every letter of a participant

proc letters_cases {people at_once} {
  set rounds {presence dkg1 dkg2 share}
  set moves {}
  foreach move {die stall garbage elsewhere early late other again} {
    foreach round $rounds {
      # Nothing stands before the first; share is a share, whenever.
      if {"$move.$round" in {again.presence early.share}} { continue }
      lappend moves $move.$round $move=$round
    }
  }
  set got [letters_play $people $at_once $moves]
  dict for {name outcome} $got {
    lassign [split $name .] move round
    lassign $outcome step reason blamed others signed
    if {$move in {die stall}} {
      # Who is gone is nobody's culprit.
      do_test $name {set outcome} [list $round no-answer 0 1 1]
    } elseif {$move eq "garbage" && $round ne "presence"} {
      # What he signed himself is proof against him.
      do_test $name {set outcome} [list $round bad-message 1 1 1]
    } else {
      # What is of no use here is refused, so he has not answered, or says himself
      # that he gives up; nobody is blamed.
      do_test $name {list $step [expr {$reason in {no-answer member-aborted}}] $blamed $others $signed} \
        [list $round 1 0 1 1]
    }
  }
  do_test all {dict size $got} 30
}

# ---- the coordinator

# Stands still, or dies, at each step: signed once, in the end.
proc letters_coordinator {people} {
  foreach line {"quorum reached" "roster frozen" "shares received" "key certified"} {
    foreach signal {STOP KILL} {
      set session [letters_request]
      array unset ::t
      foreach who $people { set ::t($who) [letters_join $session $who] }
      set ::line $line
      wait_until {[string match *$::line* [said $::t(bob)]] || [ended $::t(bob)]} 60000
      set pid [daemon_pid $::c coordinatord]
      catch {exec kill -$signal $pid}
      if {$signal eq "STOP"} {
        after 1500
        exec kill -CONT $pid
      }
      # Streams open again; who was dropped joins again.
      set signed 0
      for {set i 0} {$i < 40 && !$signed} {incr i} {
        foreach who $people {
          if {[ended $::t($who)] && [lindex [quorate_wait $::t($who)] 0] ne "0"} {
            set ::t($who) [letters_join $session $who]
          }
        }
        wait_until {0 in [lmap who [array names ::t] { string trim [peek [lindex $::t($who) 1].rc] }]} 1500
        set signed [expr {0 in [lmap who $people { string trim [peek [lindex $::t($who) 1].rc] }]}]
      }
      do_test coordinator.$signal.[lindex $line 0] {list $signed [llength [of_session $session [bodies signature.made]]]} {1 1}
      foreach who $people { quorate_end [lindex $::t($who) 0] }
    }
  }
}

# Lies at each of its messages: somebody refuses, and nothing is signed.
proc letters_lies {people} {
  foreach {name moves} {
    orders          order-unsigned
    orders_of_other order-elsewhere
    descriptor      t
    quorum          quorum
    digest          digest
    material        drop-approval
    dealt           forged-message
    left_out        missing-message
    key             dkg-key
    started         started-key
    started_digest  started-digest
    twice           started-twice
    unlogged        unlogged
    material_sign   early-material
  } {
    moves $::dir lies $moves
    set session [letters_request]
    array unset ::t
    foreach who $people {
      set ::t($who) [letters_join $session $who]
      set ::letters_token $::t($who)
      wait_until {[has_approved $::letters_token]} 60000
    }
    set ::letters_refused {quorate join: |gives up|refused|attempt 1 failed|did not sign|another session}
    set told [wait_until {
      [llength [lmap who [array names ::t] { if {![regexp $::letters_refused [said $::t($who)]]} continue; set who }]] > 0
    } 60000]
    foreach who $people { quorate_end [lindex $::t($who) 0] }
    moves $::dir
    quorate $::c cancel --session $session --email alice@ex.com
    do_test lies.$name {
      list $told [llength [of_session $session [bodies signature.made]]] \
        [lmap who $people { if {[string trim [peek [lindex $::t($who) 1].rc]] ne "0"} continue; set who }]
    } {1 0 {}}
  }
}
