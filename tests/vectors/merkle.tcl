# merkle.tcl - RFC 6962 proofs of transparency-dev/merkle, one JSON object a
# line.  A proc takes a file and returns {passed failed}, printing what failed.

proc merkle_proof {record} {
  set p [dict get $record proof]
  return [lmap h [expr {$p eq "null" ? {} : $p}] { binary decode base64 $h }]
}
proc merkle_hash {record key} { binary decode base64 [dict get $record $key] }

# Whether the code under test accepts a record.
proc merkle_accepts {r} {
  if {[dict exists $r leafHash]} {
    set call [list tlog_inclusion_check [dict get $r leafIdx] [dict get $r treeSize] \
      [merkle_hash $r leafHash] [merkle_hash $r root] [merkle_proof $r]]
  } else {
    set call [list tlog_consistency_check [dict get $r size1] [merkle_hash $r root1] \
      [dict get $r size2] [merkle_hash $r root2] [merkle_proof $r]]
  }
  if {![catch $call e o]} { return 1 }
  # Only a verdict of the library counts as a refusal.
  if {[lindex [dict get $o -errorcode] 0] ne "QR"} { error $e }
  return 0
}

proc run_vectors_merkle {path} {
  set passed 0
  set failed 0
  foreach line [split [string trim [read_file $path]] \n] {
    set r [json::json2dict [encoding convertfrom utf-8 $line]]
    if {[catch {merkle_accepts $r} got]} {
      puts "# [dict get $r case]: $got"
      incr failed
    } elseif {$got == ([dict get $r wantErr] eq "true")} {
      puts "# [dict get $r case]: [expr {$got ? "accepted" : "refused"}]"
      incr failed
    } else {
      incr passed
    }
  }
  return [list $passed $failed]
}
