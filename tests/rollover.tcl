# rollover.tcl - attestation policies of the simulator, and who satisfies them.
# Needs tester.tcl; the global dir is a state directory, c a cluster's handle.

# The chip of a simulated node: the hardware id of its endorsement certificate.
proc chip_of {node} {
  set f [open $::dir/tee/$node/vcek.der rb]
  set der [read $f]
  close $f
  set at [string first [binary decode hex 2b060104019c780104] $der]
  if {$at < 0} { error "no hardware id in $node's certificate" }
  set at [string first \x04\x40 $der [expr {$at + 9}]]
  binary encode hex [string range $der $at+2 $at+65]
}
# A policy that takes these nodes' chips only.
proc only_chips {policy nodes} { return "${policy}chip_ids = [join [lmap n $nodes { chip_of $n }] {, }]\n" }
proc policy_hash {policy} { snp_policy hash $policy }
# A state directory of the same client that has taken a policy over already.
proc adopted {policy} {
  set to [file join [test_dir] adopted]
  file delete -force $to
  file mkdir $to
  foreach d {client transport trust tee} { file copy $::dir/$d $to }
  file delete $to/trust/attestation.next.policy
  write_file $to/trust/attestation.policy $policy
  return $to
}
# Every attestation.refused that the log has.
proc refusals {policy} {
  set log [node_open [adopted $policy] client participant [dict get $::c env TLOG_ADDR] tlogd]
  set all [log_of_kind $log attestation.refused]
  node_close $log
  return $all
}

# ---- two admins: what `quorate init` makes for one, signed by both

proc signed_by {tag body keys} {
  set sigs [lsort [lmap k $keys {
    set sig [base64 encode [key sign $k $tag $body]]
    string cat "{\"key\":\"[hex [key pub $k]]\",\"sig\":\"$sig\"}"
  }]]
  return "\x7b\"admin_sigs\":\[[join $sigs ,]\],[string range $body 1 end]"
}
proc unsigned {body} {
  regsub {"admin_sigs":\[[^]]*\],} $body "" body
  return $body
}
# Makes dir a log's beginning under a policy that is not for development.  Gives
# the keys of its two admins.
proc two_admins {} {
  set keys [list $::dir/admin/admin.key $::dir/admin/second.key]
  key new [lindex $keys 1]
  set pubs [lsort [lmap k $keys { hex [key pub $k] }]]
  regsub {"admins":\[[^]]*\]} [read_file $::dir/trust/trust.json] "\"admins\":\[\"[join $pubs \",\"]\"\]" trust
  write_file $::dir/trust/trust.json $trust
  set policy [string map {"development = yes" "development = no"} [read_file $::dir/trust/signing.policy]]
  write_file $::dir/trust/signing.policy $policy
  set text [string map [list \\ \\\\ \" \\\"] [signing_policy canonical $policy]]
  set body "{\"hash\":\"[hex [signing_policy hash $policy]]\",\"name\":\"signing\",\"text\":\"$text\"}"
  write_file $::dir/genesis/policy-signing.json [signed_by quorate/policy/v1 $body $keys]
  set body [unsigned [string trim [read_file $::dir/genesis/policy-attestation.json]]]
  write_file $::dir/genesis/policy-attestation.json [signed_by quorate/policy/v1 $body $keys]
  set lines {}
  foreach line [split [string trim [read_file $::dir/roster.jsonl]] \n] {
    if {![regexp {^\{"body":(\{.*?\}),"identity":(.*)$} [unsigned $line] -> body rest]} { error $line }
    lappend lines "\x7b\"body\":[signed_by quorate/enroll/v1 $body $keys],\"identity\":$rest"
  }
  write_file $::dir/roster.jsonl [join $lines \n]\n
  return $keys
}

# Logs an entry as an author, whose key is in the state directory.  node is one of
# the author's at the log.
proc append_as {node author kind body} {
  set e [entry_make [file join $::dir $author entry.key] $author $kind [ulid] [clock microseconds] 2 $body]
  node_call $node Append [dict create entry $e]
}
