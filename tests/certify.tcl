# certify.tcl - requests to cad as a participant makes them, composed from
# FORMATS.md sections 3 to 5.  Uses the globals dir (state directory), tmp, and
# the nodes log (tlogd), auth (authd) and n (cad).

proc keyfile {who} { return $::dir/people/$who@ex.com/person.key }
proc challenge {who} { dict get [node_call $::auth BeginLogin [dict create person_key [key pub [keyfile $who]]]] challenge }
proc whoami {who} {
  set c [challenge $who]
  node_call $::auth WhoAmI [dict create person_key [key pub [keyfile $who]] challenge $c \
    proof_sig [key sign [keyfile $who] quorate/whoami/v1 $c]]
}
proc policy_hash {name} {
  foreach e [log_of_kind $::log policy.changed] {
    if {[regexp "\"hash\":\"(\\w+)\",\"name\":\"$name\"" $e -> h]} { return $h }
  }
}
proc stamp {us} { qr_time format $us }
proc coordinator_logs {kind body} {
  node_call $::log Append [dict create entry [entry_make $::dir/coordinatord/entry.key coordinator \
    $kind [ulid] [clock microseconds] 2 $body]]
}
# Alice asks; the coordinator's key logs it.  Gives {session index leaf}.
proc request {{life_s 600}} {
  set w [whoami alice]
  set now [clock microseconds]
  set id [ulid]
  set part1 "{\"artifact\":{\"name\":\"f\",\"sha256\":\"[hex [sha256 f]]\",\"size\":\"1\"},\"created\":\"[stamp $now]\",\"enrolment\":\"[hex [dict get $w enrolment_leaf]]\",\"expires\":\"[stamp [expr {$now + $life_s * 1000000}]]\",\"nonce\":\"[string repeat 0a 16]\",\"payloads\":\[{\"type\":\"dsse\"}\],\"policies\":{\"attestation\":\"[policy_hash attestation]\",\"signing\":\"[policy_hash signing]\"}"
  set part2 "\"requester\":\"[hex [dict get $w commitment]]\",\"session\":\"$id\"}"
  set sig [base64 encode [key sign [keyfile alice] quorate/request/v1 $part1,$part2]]
  set r [coordinator_logs session.requested $part1,\"request_sig\":\"$sig\",$part2]
  return [list $id [dict get $r entry index] [sha256 \x00[dict get $r entry entry]]]
}
# The participant's keys, made once in $tmp.
proc certify_keys {tmp} {
  foreach k {approval envelope cocktail other} { key new $tmp/$k.key }
}
proc grants {who leaf} {
  set req "{\"approval_key\":\"[hex [key pub $::tmp/approval.key]]\",\"cocktail_key\":\"[hex [key pub $::tmp/cocktail.key]]\",\"commitment\":\"[hex [dict get [whoami $who] commitment]]\",\"envelope_key\":\"[hex [key pub $::tmp/envelope.key]]\",\"node\":\"client\",\"session_leaf\":\"[hex $leaf]\"}"
  set c [challenge $who]
  dict get [node_call $::auth Login [dict create challenge $c grant_request $req audiences {cad coordinator} \
    person_sig [key sign [keyfile $who] quorate/login/v1 $c[sha256 $req]]]] grants
}
proc lp {x} { return [binary format I [string length $x]]$x }
proc use_sig {grant csr {keyfile ""}} {
  if {$keyfile eq ""} { set keyfile $::tmp/approval.key }
  regexp {"jti":"(\w+)"} $grant -> jti
  key sign $keyfile quorate/grant-use/v1 [lp /quorate.v1.Ca/IssueParticipant][lp $jti][sha256 $csr]
}
# A request that cad grants.
proc good {who session} {
  lassign $session id index leaf
  set grant [lindex [grants $who $leaf] 0]
  set csr [key csr $::tmp/approval.key]
  set note [dict get [node_call $::log GetCheckpoint {}] note]
  set size [lindex [split $note \n] 1]
  set root [binary decode base64 [lindex [split $note \n] 2]]
  dict create csr $csr grant $grant use_sig [use_sig $grant $csr] session_index $index \
    evidence [node_evidence $::n $grant $size $root] checkpoint_size $size checkpoint_root $root
}
proc issue {m args} { node_call $::n IssueParticipant [dict merge $m $args] }
