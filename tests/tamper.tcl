# tamper.tcl - how a bundle with one changed byte must be refused, told from
# docs/FORMATS.md alone: which member the byte lies in, whether that member
# keeps its form, and who refers to it.  Slow, and nothing of the verifier's.

# Every string and number of a JSON text: {start end path} of what stands
# between the quotes, ascending.  Keys are no values, and stand in order.
proc json_values {s} {
  set out {}
  set stack {}
  set key ""
  set at 0
  set n [string length $s]
  set token {\A(?:"(?:[^"\\]|\\.)*"|-?[0-9]+|true|false|null|[][{},:])}
  while {$at < $n} {
    if {![regexp -indices -start $at $token $s range]} { error "not JSON at $at" }
    lassign $range from to
    set c [string index $s $from]
    switch -- $c {
      \{ { lappend stack [list object ""]; set expect key }
      \[ { lappend stack [list array 0]; set expect value }
      \} - \] { set stack [lrange $stack 0 end-1] }
      , {
        lassign [lindex $stack end] kind k
        if {$kind eq "array"} { lset stack end 1 [incr k] } else { set expect key }
      }
      : { set expect value }
      default {
        if {[lindex $stack end 0] eq "object" && $expect eq "key"} {
          set name [string range $s $from+1 $to-1]
          if {![regexp {^[ !#-\[\]-~]+$} $name] || [string compare $name [lindex $stack end 1]] <= 0} { error "key $name" }
          lset stack end 1 $name
        } else {
          set path [lmap f $stack {lindex $f 1}]
          lappend out [expr {$c eq "\"" ? [list [expr {$from + 1}] $to $path] : [list $from [expr {$to + 1}] $path]}]
        }
      }
    }
    set at [expr {$to + 1}]
  }
  return $out
}
# The value that a position lies in, or "".
proc value_at {values pos} {
  set lo 0
  set hi [expr {[llength $values] - 1}]
  while {$lo <= $hi} {
    set mid [expr {($lo + $hi) / 2}]
    lassign [lindex $values $mid] from to
    if {$pos < $from} { set hi [expr {$mid - 1}] } elseif {$pos >= $to} { set lo [expr {$mid + 1}] } else {
      return [lindex $values $mid]
    }
  }
  return ""
}

proc is_base64 {s} { expr {[regexp {^[A-Za-z0-9+/]*={0,2}$} $s] && [string length $s] % 4 == 0 && [binary encode base64 [binary decode base64 $s]] eq $s} }
# The same, of as many bytes as the old one.
proc is_sized {old s} { expr {[is_base64 $s] && [string length [binary decode base64 $s]] == [string length [binary decode base64 $old]]} }
proc is_utf8 {s} { expr {[encoding convertto utf-8 [encoding convertfrom utf-8 $s]] eq $s} }
proc is_decimal {s} { regexp {^(0|[1-9][0-9]*)$} $s }
proc is_ulid {s} { regexp {^[0-7][0-9A-HJKMNP-TV-Z]{25}$} $s }
proc is_time {s} {
  if {![regexp {^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.\d{6}Z$} $s -> y mo d h mi se]} { return 0 }
  scan "$mo $d $h $mi $se" "%d %d %d %d %d" mo d h mi se
  scan $y %d y
  set leap [expr {$y % 4 == 0 && ($y % 100 != 0 || $y % 400 == 0)}]
  set days [lindex [list 0 31 [expr {28 + $leap}] 31 30 31 30 31 31 30 31 30 31] [expr {$mo <= 12 ? $mo : 0}]]
  expr {$y >= 1970 && $d >= 1 && $d <= $days && $h < 24 && $mi < 60 && $se < 60}
}
# What canonical JSON writes in a string, and nothing else.
proc is_json_string {s} {
  expr {[is_utf8 $s] && [regexp {^(?:[^"\\\x00-\x1f]|\\["\\bfnrt])*$} $s]}
}

# Whether a value of an entry keeps its form when it is s instead of old.
proc keeps_form {path old s} {
  set key [lindex $path end]
  if {[string is integer -strict $key]} { return 0 }
  if {![is_json_string $s]} { return 0 }
  if {$key in {sig approval_sig person_sig pop request_sig}} { return [is_sized $old $s] }
  if {$key in {time created expires not_before not_after}} { return [is_time $s] }
  if {$key in {size log_size approval_index}} { return [is_decimal $s] }
  if {$key in {session event_id}} { return [is_ulid $s] }
  if {$key eq "text" || $path eq "body artifact name"} { return 1 }
  if {[regexp {^[0-9a-f]{16,128}$} $old]} { return [regexp {^[0-9a-f]+$} $s] }
  if {$key eq "attempt"} { return [regexp {^[1-9][0-9]*$} $s] }
  if {$key eq "namespace"} { return [regexp {^[a-z0-9.@-]{1,64}$} $s] }
  if {$key eq "t"} { return [regexp {^[12]$} $s] }
  # Words, versions, counts.
  return 0
}
# Keys of admins and members stand in ascending order.
proc keeps_order {leaf} {
  set keys [regexp -all -inline {"key":"([0-9a-f]{64})"} $leaf]
  set indexes [regexp -all -inline {"approval_index":"(\d+)"} $leaf]
  foreach {list compare} [list $keys -ascii $indexes -integer] {
    set values {}
    foreach {- v} $list { lappend values $v }
    if {$values ne [lsort -unique $compare $values]} { return 0 }
  }
  return 1
}

proc leaf_refused {old new} {
  set form {MALFORMED entry.form}
  if {[catch {json_values $new} values]} { return $form }
  set olds [json_values $old]
  if {[llength $values] != [llength $olds]} { return $form }
  set kind [json_text $old kind]
  # These are found by their hash, or read after it was looked for in the tree.
  set hashed [regexp {^identity} $kind]
  set later [expr {$kind in {dkg.completed signing.started signature.made}}]
  # Everything but values is the same; of a body that is not read, no matter.
  set changed {}
  set at 0
  foreach a $olds b $values {
    lassign $a from to path
    if {[string range $old $at $from-1] ne [string range $new $at $from-1]} {
      if {[lindex $path 0] ne "body" || [lindex $b 2 0] ne "body" || !($hashed || $later)} { return $form }
    } elseif {[lindex $a 2 0] ne [lindex $b 2 0] || [lrange $a 0 1] ne [lrange $b 0 1]} {
      return $form
    }
    if {[string range $old $from $to-1] ne [string range $new $from $to-1]} { lappend changed $a }
    set at $to
  }
  if {[string range $old $at end] ne [string range $new $at end]} { return $form }
  set result {FALSE entry.inclusion}
  foreach v $changed {
    lassign $v from to path
    set is [string range $new $from $to-1]
    if {![is_json_string $is]} { return $form }
    set body [expr {[lindex $path 0] eq "body"}]
    if {(!$body || !($hashed || $later)) && ![keeps_form $path [string range $old $from $to-1] $is]} { return $form }
    switch -glob -- "$kind [join $path .]" {
      "approval.given body.certificate" - "approval.given body.enrolment" - "approval.given body.evidence" -
      "session.requested body.enrolment" { set result {FALSE bundle.stage} }
      "certificate.issued body.sha256" - "certificate.issued body.grant" {
        if {[json_text $old body purpose] eq "participant"} { set result {FALSE bundle.stage} }
      }
      "session.requested body.artifact.sha256" { set result {FALSE artifact.digest} }
      "session.requested body.artifact.size" { set result {FALSE artifact.size} }
    }
  }
  if {!$hashed && !$later && ![keeps_order $new]} { return $form }
  return [expr {$hashed ? {FALSE bundle.stage} : $result}]
}
proc json_text {doc args} { string trim [json_get $doc {*}$args] \" }

# A signed note: name, size, root, an empty line, a signature.
proc note_refused {old new} {
  set form {MALFORMED checkpoint.origin}
  set a [split $old \n]
  set b [split $new \n]
  if {[llength $a] != [llength $b] || [lindex $b 3] ne "" || [lindex $b 5] ne ""} { return $form }
  set dash [string range [lindex $a 4] 0 3]
  if {[string range [lindex $b 4] 0 3] ne $dash} { return $form }
  set sig [split [string range [lindex $b 4] 4 end] " "]
  if {![is_decimal [lindex $b 1]] || ![is_base64 [lindex $b 2]] || [llength $sig] != 2 ||
      ![is_base64 [lindex $sig 1]] || [string match *+* [lindex $sig 0]]} { return $form }
  return [expr {[lindex $a 0] ne [lindex $b 0] ? {FALSE checkpoint.origin} : {FALSE checkpoint.signature}}]
}

proc evidence_refused {old new} {
  set form {MALFORMED evidence.form}
  if {[catch {json_values $new} values] || $values ne [json_values $old]} { return $form }
  set at 0
  foreach v $values {
    lassign $v from to path
    if {[string range $old $at $from-1] ne [string range $new $at $from-1]} { return $form }
    set was [string range $old $from $to-1]
    set is [string range $new $from $to-1]
    set at $to
    if {$was eq $is} { continue }
    if {$path in {class v} || ![is_base64 $is]} { return $form }
    switch $path {
      vek { return {FALSE bundle.stage} }
      binding { return {ATTESTATION evidence.binding} }
      ark - ask { return {ATTESTATION evidence.verdict} }
      report {
        set signed [string range [binary decode base64 $was] 0 671]
        return [expr {$signed eq [string range [binary decode base64 $is] 0 671]
                      ? {ATTESTATION evidence.verdict} : {FALSE bundle.stage}}]
      }
    }
  }
  return $form
}

# T || n signatures.  What stands in T follows from the descriptor, but for the
# members' contributions: these show themselves to be wrong, or the signatures do.
proc transcript_refused {old new n t} {
  set from 0
  while {[string index $old $from] eq [string index $new $from]} { incr from }
  if {$from >= [string length $old] - 64 * $n} { return {{FALSE dkg.signatures}} }
  set head [expr {8 + [string length "COCKTAIL(Ed25519, SHA-512)"] + 8 + 64 + 4 + 4 + 32 * $n}]
  if {$from >= $head && $from < $head + 32 * $n * $t + 64 * $n + 32 * $n} {
    return {{FALSE dkg.transcript} {FALSE dkg.signatures}}
  }
  return {{FALSE dkg.transcript}}
}

# A judge of single bytes: made once for a bundle of n approvals.
proc tamper_new {bundle n} { list $bundle [json_values $bundle] $n }
# The results that are right for byte c at pos, as a list.
proc tamper_refused {judge pos c} {
  lassign $judge b values n
  set form {{MALFORMED bundle.form}}
  set v [value_at $values $pos]
  if {$v eq ""} { return $form }
  lassign $v from to path
  set old [string range $b $from $to-1]
  set new [string replace $old $pos-$from $pos-$from $c]
  if {![is_json_string $new]} { return $form }
  set unescape {{\"} \" {\\} \\ {\n} \n}
  set was [string map $unescape $old]
  set is [string map $unescape $new]
  set key [lindex $path 0]
  switch $key {
    origin { return {{FALSE checkpoint.origin}} }
    session { return [expr {[is_ulid $is] ? {{FALSE entry.session}} : $form}] }
    frames { return [expr {[regexp {^[0-9a-f]+$} $is] ? {{FALSE dkg.transcript}} : $form}] }
    checkpoint { return [list [note_refused $was $is]] }
    grants { return {{FALSE bundle.stage}} }
    evidence { return [list [evidence_refused $was $is]] }
  }
  if {[lindex $path end] in {index size}} {
    set others [lmap o $values {
      if {[lindex $o 2 0] ne $key || [lindex $o 2 end] ne [lindex $path end]} continue
      expr {[lindex $o 2] eq $path ? $is : [string range $b [lindex $o 0] [lindex $o 1]-1]}
    }]
    if {![is_decimal $is] || $others ne [lsort -integer -unique $others]} { return $form }
    return [expr {$key eq "entries" ? {{FALSE entry.inclusion}} : {{FALSE checkpoint.consistent}}}]
  }
  if {$key in {stage type v} || [lindex $path end] eq "type" || ![is_base64 $is]} { return $form }
  set sized [expr {$key in {consistency payloads} || [lindex $path 2] eq "proof"}]
  if {$sized && ![is_sized $old $new]} { return $form }
  switch $key {
    certificates { return [expr {[lindex $path 1] < $n ? {{FALSE bundle.stage}} : {{FALSE group.chain}}}] }
    consistency { return {{FALSE checkpoint.consistent}} }
    ssh_certificate { return {{FALSE ssh.logged}} }
    payloads { return {{FALSE signature.valid}} }
    transcript { return [transcript_refused [binary decode base64 $was] [binary decode base64 $is] $n $n] }
    entries {
      if {[lindex $path 2] eq "proof"} { return {{FALSE entry.inclusion}} }
      return [list [leaf_refused [binary decode base64 $was] [binary decode base64 $is]]]
    }
  }
  return "nothing is known of $path"
}
