# ceremony.tcl - generated ceremonies in tests: worlds with a policy, sessions,
# bundles.  See tests/fixture/ceremony.h.
source [file join $::env(srcdir) tests sim.tcl]

set ::policy_base {
  name release  engineers 1  stewards 2  requester may-approve  payloads {dsse, raw, sshsig}
  classes simulated  distinct_nodes no  witnesses 0  max_session_s 86400
  max_checkpoint_age_s 3600  max_approval_age_s 86400  development no
}

# The text of a policy with some keys changed.
proc policy_text {args} {
  set text ""
  foreach {k v} [dict merge $::policy_base $args] { append text "$k = $v\n" }
  return $text
}

# A world with options of world_new; its simulator's node is shared.
proc new_world {args} {
  set node [file join $::ceremony_dir node]
  if {![file exists $node/vcek.der]} { sim_node $node 7 }
  world_new [dict merge [list root [sim_root] node $node policy [policy_text]] $args]
}

# Position of the n-th entry of a kind in a bundle.
proc bundle_entry {bundle kind {n 0}} {
  for {set i 0} {1} {incr i} {
    set leaf [binary decode base64 [string trim [json_get $bundle entries $i leaf] \"]]
    if {[string match "*\"kind\":\"$kind\"*" $leaf] && [incr n -1] < 0} { return $i }
  }
}
