# lies.tcl - sessions of real processes under daemons that lie
# (tests/adversary).  Needs tester.tcl, removal.tcl, cluster.tcl, daemons.tcl.
#
# The globals of a test: c (the cluster), dir (its state directory), file (what
# is signed).

# A cluster in which args, pairs of a daemon and an adversary, stand.  A global
# policy, if there is one, is the text of its signing policy.
proc lies_up {people args} {
  set init [list --people $people]
  if {[info exists ::policy]} {
    set file [file join [test_dir] signing.policy]
    write_file $file $::policy
    lappend init --signing-policy $file
  }
  cluster_with {*}$args
  set ::dir [cluster_init {*}$init]
  removed_in $::dir/run/removed
  set ::c [cluster_up $::dir [dict create QUORATE_REMOVE_FILE $::dir/run/removed] --coordinator-flags "--backoff-ms 200"]
  set ::file [file join [test_dir] f]
  write_file $::file "lies\n"
}

proc lies_missing {args} {
  set why [cluster_missing]
  foreach p $args {
    if {$why eq "" && ![file executable [file join $::env(builddir) $p]]} { set why "$p is not built" }
  }
  return $why
}

proc lies_request {args} {
  set r [quorate $::c request --payload dsse --email alice@ex.com {*}$args $::file]
  if {[lindex $r 0] != 0} { return -code error "request: $r" }
  string trim [lindex $r 1]
}

# A join in the background: who is an address' first part, perhaps with more
# flags; before them -as MOVES makes it an adversary.
proc lies_join {session who} {
  set flags [lassign $who name]
  set c $::c
  set program quorate
  if {[lindex $flags 0] eq "-as"} {
    set program evil-participant
    dict set c env MOVES [lindex $flags 1]
    set flags [lrange $flags 2 end]
  }
  if {"--person-key" ni $flags} { lappend flags --email $name@ex.com }
  program_bg $c $program join --session $session --yes --output $::file.$name {*}$flags
}
proc lies_ended {token} { file exists [lindex $token 1].rc }
proc lies_said {token} { peek [lindex $token 1].err }

# Another machine of the same people: a state directory with a certificate, a
# processor and a memory of the log of its own.
proc lies_machine {name} {
  set to [file join [test_dir] $name]
  file mkdir $to/client $to/tee/client $to/transport
  foreach d {. client tee tee/client} { file attributes $to/$d -permissions 0700 }
  file copy $::dir/transport/ca.pem $to/transport
  foreach d {trust people} { file copy $::dir/$d $to }
  set now [clock microseconds]
  pki_node $::dir/transport $name client $now [expr {$now + 86400000000}]
  foreach {from as} {pem crt key key} { file rename $::dir/transport/$name.$from $to/client/tls.$as }
  snp_sim node $::dir/tee/root $to/tee/client $now [string length $name]
  return $to
}

# The coordinator's log from a place on.
proc lies_log {from} { string range [peek $::dir/run/coordinatord.log] $from end }

# A whole session of who (several joins) under the moves.  late: when all have
# approved and the coordinator pauses at the freeze (pause=freeze in the moves),
# this is run, and gives the moves from then on.  "signed": all have a
# bundle that verifies.  "refused": somebody said what the pattern says, and
# nothing was signed.  Otherwise what was said.
proc lie {moves pattern {who {alice bob carol}} {late {}}} {
  # How large a quorum is, a session knows from the start.
  moves $::dir {*}[expr {"quorum" in $moves ? $moves : ""}]
  file delete $::dir/run/moves.go
  set session [lies_request]
  moves $::dir {*}$moves
  set from [string length [peek $::dir/run/coordinatord.log]]
  set tokens {}
  set why timeout
  foreach w $who {
    set t [lies_join $session $w]
    lappend tokens $t
    set ::lies(token) $t
    if {![wait_until {[lies_ended $::lies(token)] || [regexp {Approved: } [lies_said $::lies(token)]]} 60000]} { break }
    if {[lies_ended $t]} { break }
  }
  set ::lies(tokens) $tokens
  set ::lies(from) $from
  set ::lies(pattern) $pattern
  if {$late ne ""} {
    wait_until {[lies_all_in]} 60000
    moves $::dir {*}[uplevel #0 [string map [list %session% $session] $late]]
    write_file $::dir/run/moves.go ""
  }
  wait_until {[lies_over]} 60000
  set said [lies_log $from]
  foreach t $tokens { append said [lies_said $t] }
  set rcs [lmap t $tokens { string trim [peek [lindex $t 1].rc] }]
  moves $::dir
  set result "$rcs [join [lmap t $tokens { lies_said $t }]] $said"
  if {[lsort -unique $rcs] eq "0"} {
    set verified [lmap w $who {
      lindex [quorate $::c verify $::file --bundle $::file.[lindex $w 0] --trust $::dir/trust] 0
    }]
    if {[lsort -unique $verified] eq "0"} { set result signed }
  } elseif {[regexp $pattern $said]} {
    quorate $::c cancel --session $session --email alice@ex.com
    set shown [lindex [quorate $::c show --session $session --json] 1]
    if {![regexp {signature\.made} $shown]} { set result refused }
  }
  foreach t $tokens { quorate_end [lindex $t 0] }
  return $result
}

proc lies_all_in {} {
  foreach t $::lies(tokens) { if {![regexp {quorum reached} [lies_said $t]] && ![lies_ended $t]} { return 0 } }
  return 1
}
# Everybody has ended, or somebody has said why not, or an attempt has failed.
proc lies_over {} {
  set ended 0
  foreach t $::lies(tokens) {
    if {[lies_ended $t] && [string trim [peek [lindex $t 1].rc]] ne "0"} { return 1 }
    incr ended [lies_ended $t]
    if {[regexp "$::lies(pattern)|attempt 1 failed" [lies_said $t]]} { return 1 }
  }
  if {[regexp $::lies(pattern) [lies_log $::lies(from)]]} { return 1 }
  expr {$ended == [llength $::lies(tokens)]}
}

# ---- people, as admins make them; the global tmp is a directory

# A node at a daemon.  Opened anew: a daemon keeps few attested sessions of one
# node, and quorate is the same node.
proc lies_node {audience} {
  if {[info exists ::lies(node.$audience)]} { node_close $::lies(node.$audience) }
  set addr [dict get {tlogd TLOG_ADDR authd AUTH_ADDR cad CA_ADDR coordinatord COORDINATOR_ADDR} $audience]
  set ::lies(node.$audience) [node_open $::dir client participant [dict get $::c env $addr] $audience]
}
proc lp {x} { return [binary format I [string length $x]]$x }
proc admin_key {} { return $::dir/admin/admin.key }

# Enrols somebody with a fresh person key, signed by the key in admin.
proc lies_enroll {name role admin} {
  set key [file join $::tmp $name.key]
  key new $key
  set salt [sha256 $name]
  set identity "{\"email\":\"$name@ex.com\",\"issuer\":\"local\",\"name\":\"$name\"}"
  set commitment [sha256 quorate/id/v1\x00[lp $salt][lp $identity]]
  set body "{\"commitment\":\"[hex $commitment]\",\"node\":\"\",\"person_key\":\"[hex [key pub $key]]\",\"role\":\"$role\"}"
  set auth [lies_node authd]
  set r [node_call $auth Enroll [dict create body $body \
    admin_sigs [list [dict create key [key pub $admin] sig [key sign $admin quorate/enroll/v1 $body]]] \
    identity [node_seal $auth enroll/identity $identity] salt [node_seal $auth enroll/salt $salt]]]
  return [dict create name $name key $key commitment $commitment enrolment [leaf_of $r]]
}
proc leaf_of {receipt} { sha256 \x00[dict get $receipt entry entry] }

proc lies_change {kind tag body admin} {
  node_call [lies_node authd] Change [dict create kind $kind body $body \
    admin_sigs [list [dict create key [key pub $admin] sig [key sign $admin $tag $body]]]]
}
proc lies_role {who role admin} {
  lies_change identity.role_changed quorate/role/v1 "{\"commitment\":\"[hex [dict get $who commitment]]\",\"enrolment\":\"[hex [dict get $who enrolment]]\",\"node\":\"\",\"person_key\":\"[hex [key pub [dict get $who key]]]\",\"role\":\"$role\"}" $admin
}
proc lies_revoke {who admin} {
  lies_change identity.revoked quorate/revoke/v1 "{\"commitment\":\"[hex [dict get $who commitment]]\",\"enrolment\":\"[hex [dict get $who enrolment]]\",\"reason\":\"left\"}" $admin
}
# A join of somebody enrolled that way.
proc lies_who {who args} { list [dict get $who name] {*}$args --person-key [dict get $who key] }
