# frost.tcl - test vectors of RFC 9591 (Ed25519), of COCKTAIL-DKG (suite
# Ed25519) and of point and scalar decoding.  Each proc takes a file and returns
# {passed failed}; a field that a file lacks is not checked, unknown fields are
# passed over, and every vector checks at least its final result.
package require json

proc vec_read {path} {
  set f [open $path rb]
  set data [read $f]
  close $f
  return [json::json2dict [encoding convertfrom utf-8 $data]]
}

# The counts of one run, and one case of it: inside a .test file it is a case
# of do_test as well.
proc vec_start {} { set ::vec {0 0} }
proc vec_case {name script expected} {
  set code [catch {uplevel 1 $script} got opts]
  if {$code && [lindex [dict get $opts -errorcode] 0] eq "QR"} {
    set got QR:[lindex [dict get $opts -errorcode] 1]
  }
  set ok [expr {$got eq $expected}]
  if {[llength [info commands tap_line]]} { tap_line $ok $name }
  if {!$ok} { puts "# $name: got [string range $got 0 300], expected [string range $expected 0 300]" }
  lset ::vec [expr {!$ok}] [expr {[lindex $::vec [expr {!$ok}]] + 1}]
  return $ok
}

# vec_has DICT KEY ...: is this path there?
proc vec_has {d args} { expr {![catch {dict exists $d {*}$args} yes] && $yes} }
# The value of a path of a dict, as bytes.
proc vec_bytes {d args} { binary decode hex [dict get $d {*}$args] }
proc vec_hex {bytes} { binary encode hex $bytes }
# An identifier as FROST hashes it.
proc vec_id {i} { binary format i1x28 $i }

# ---- RFC 9591 ----------------------------------------------------------------

# f(x) for coefficients that are scalars, lowest first.
proc vec_poly {coefficients x} {
  set sum [vec_id 0]
  foreach c [lreverse $coefficients] { set sum [ed sadd [ed smul $sum [vec_id $x]] $c] }
  return $sum
}

# Shares of every participant by number: from the file, from the polynomial.
proc rfc_shares {in n} {
  set shares {}
  if {[vec_has $in participant_shares]} {
    foreach s [dict get $in participant_shares] {
      dict set shares [dict get $s identifier] [vec_bytes $s participant_share]
    }
  }
  if {[vec_has $in share_polynomial_coefficients] && [vec_has $in group_secret_key]} {
    set f [list [vec_bytes $in group_secret_key]]
    foreach c [dict get $in share_polynomial_coefficients] { lappend f [binary decode hex $c] }
    for {set i 1} {$i <= $n} {incr i} {
      if {[dict exists $shares $i]} {
        vec_case share.$i {vec_hex [vec_poly $f $i]} [vec_hex [dict get $shares $i]]
      } else {
        dict set shares $i [vec_poly $f $i]
      }
    }
  }
  return $shares
}

# {n t Y Y_1..Y_n}.  Where a share is not known its place is taken by Y, which
# is checked for nobody.
proc rfc_group {v shares n t} {
  set y [vec_bytes $v inputs group_public_key]
  set all ""
  for {set i 1} {$i <= $n} {incr i} {
    append all [expr {[dict exists $shares $i] ? [ed base [dict get $shares $i]] : $y}]
  }
  return [list $n $t $y $all]
}

# Round 1 of one signer whose share is known: {nonces commitment}, nonces "" when
# the file does not say where they come from.
proc rfc_round1 {o share} {
  if {![vec_has $o hiding_nonce_randomness] || ![vec_has $o binding_nonce_randomness]} {
    return [list "" [rfc_commitment $o]]
  }
  set id [dict get $o identifier]
  set random [vec_bytes $o hiding_nonce_randomness][vec_bytes $o binding_nonce_randomness]
  lassign [$share commit $random] nonces commitment
  set peek [$nonces peek]
  foreach {key value} [list \
      hiding_nonce [string range $peek 0 31] binding_nonce [string range $peek 32 63] \
      hiding_nonce_commitment [lindex $commitment 1] binding_nonce_commitment [lindex $commitment 2]] {
    if {[vec_has $o $key]} { vec_case $id.$key {vec_hex $value} [dict get $o $key] }
  }
  return [list $nonces $commitment]
}
proc rfc_commitment {o} {
  list [dict get $o identifier] [vec_bytes $o hiding_nonce_commitment] [vec_bytes $o binding_nonce_commitment]
}

# Binding factors of an attempt against the file, by the API and by hand.
proc rfc_factors {outputs group msg list rhos} {
  set encoded ""
  foreach c $list { append encoded [vec_id [lindex $c 0]] [lindex $c 1] [lindex $c 2] }
  set before [lindex $group 2][frost_hash 4 $msg][frost_hash 5 $encoded]
  foreach o $outputs rho $rhos {
    set id [dict get $o identifier]
    if {[vec_has $o binding_factor_input]} {
      vec_case $id.binding_factor_input {vec_hex $before[vec_id $id]} [dict get $o binding_factor_input]
    }
    if {[vec_has $o binding_factor]} {
      vec_case $id.binding_factor {vec_hex $rho} [dict get $o binding_factor]
      vec_case $id.h1 {vec_hex [frost_hash 1 $before[vec_id $id]]} [dict get $o binding_factor]
    }
  }
}

# Signature shares made here where the nonces are known, else the file's.
proc rfc_round2 {v msg list shares nonces} {
  set given {}
  if {[vec_has $v round_two_outputs outputs]} {
    foreach o [dict get $v round_two_outputs outputs] {
      dict set given [dict get $o identifier] [dict get $o sig_share]
    }
  }
  set out {}
  foreach c $list {
    set id [lindex $c 0]
    if {[dict exists $nonces $id] && [dict get $nonces $id] ne ""} {
      set z [[dict get $nonces $id] sign [dict get $shares $id] $msg $list]
      if {[dict exists $given $id]} { vec_case $id.sig_share {vec_hex $z} [dict get $given $id] }
    } else {
      set z [binary decode hex [dict get $given $id]]
    }
    lappend out [list $id $z]
  }
  return $out
}

proc run_vectors_rfc9591 {path} {
  vec_start
  set v [vec_read $path]
  if {[vec_has $v config name] && [dict get $v config name] ne "FROST(Ed25519, SHA-512)"} {
    error "not FROST(Ed25519, SHA-512)"
  }
  set n [dict get $v config MAX_PARTICIPANTS]
  set t [dict get $v config MIN_PARTICIPANTS]
  set msg [vec_bytes $v inputs message]
  set scalars [rfc_shares [dict get $v inputs] $n]
  set group [rfc_group $v $scalars $n $t]
  if {[vec_has $v inputs group_secret_key]} {
    vec_case group_public_key {vec_hex [ed base [vec_bytes $v inputs group_secret_key]]} \
      [dict get $v inputs group_public_key]
  }
  set outputs [lsort -command {apply {{a b} {expr {[dict get $a identifier] - [dict get $b identifier]}}}} \
    [dict get $v round_one_outputs outputs]]
  set list {}; set shares {}; set nonces {}
  foreach o $outputs {
    set id [dict get $o identifier]
    if {[dict exists $scalars $id]} {
      dict set shares $id [frost_share $group $id [dict get $scalars $id]]
      lassign [rfc_round1 $o [dict get $shares $id]] n commitment
      dict set nonces $id $n
      lappend list $commitment
    } else {
      lappend list [rfc_commitment $o]
    }
  }
  lassign [frost_attempt $group $msg $list] r challenge rhos
  rfc_factors $outputs $group $msg $list $rhos
  set zs [rfc_round2 $v $msg $list $shares $nonces]
  vec_case final {vec_hex [frost_aggregate $group $msg $list $zs culprits]} [dict get $v final_output sig]
  vec_case ed25519 {ed verify [vec_bytes $v final_output sig] $msg [lindex $group 2]} 1
  foreach object [concat [dict values $shares] [lsearch -all -inline -not [dict values $nonces] ""]] {
    rename $object ""
  }
  return $::vec
}

# ---- COCKTAIL-DKG ------------------------------------------------------------

set vec_suite "COCKTAIL(Ed25519, SHA-512)"

# A hex string, or a list of them.
proc vec_joined {d args} { string map {" " ""} [dict get $d {*}$args] }
proc vec_frame {cipher} { return [binary format W [string length $cipher]]$cipher }

# One block of the vectors' random stream.
proc vec_block {file v label} {
  return [ed sha512 [vec_bytes $file seed]$::vec_suite[binary format ii [dict get $v t] [dict get $v n]]$label]
}

# Coefficients 0..t-1 and then the ephemeral key, 64 bytes each.
proc vec_stream {file v i} {
  set out ""
  for {set k 0} {$k <= [dict get $v t]} {incr k} {
    append out [vec_block $file $v round1_participant_$i[binary format w $k]]
  }
  return $out
}

# First message of a participant as the file has it.
proc vec_msg1 {r} {
  set m [binary decode hex [vec_joined $r vss_commitment]][vec_bytes $r pop][vec_bytes $r ephemeral_public_key]
  foreach c [dict get $r encrypted_shares] { append m [vec_frame [binary decode hex $c]] }
  return $m
}

# The transcript, by the text.
proc vec_transcript {v} {
  set n [dict get $v n]
  set context [vec_bytes $v context]
  set ext [expr {[vec_has $v extension] ? [vec_bytes $v extension] : ""}]
  set out [binary format w 26]$::vec_suite[binary format w [string length $context]]$context
  append out [binary format ii $n [dict get $v t]] [binary decode hex [vec_joined $v config static_public_keys]]
  foreach key {vss_commitment pop ephemeral_public_key} {
    foreach r [dict get $v round1] { append out [binary decode hex [vec_joined $r $key]] }
  }
  return $out[binary format w [string length $ext]]$ext
}

proc cocktail_setup {file v name} {
  set keys [binary decode hex [vec_joined $v config static_public_keys]]
  set statics {}
  set i 0
  foreach d [dict get $v config static_secret_keys] p [dict get $v config static_public_keys] {
    incr i
    lappend statics [cocktail_static [binary decode hex $d]]
    vec_case $name.$i.static {vec_hex [[lindex $statics end] pub]} $p
    if {[vec_has $file seed]} {
      vec_case $name.$i.static_secret {vec_hex [ed reduce [vec_block $file $v static_secret_key_$i]]} $d
    }
  }
  set params [list [dict get $v n] [dict get $v t] $keys [vec_bytes $v context]]
  if {[vec_has $v session_tag]} {
    vec_case $name.context {vec_hex [lindex [cocktail_params {*}[lrange $params 0 2] [vec_bytes $v session_tag]] 3]} \
      [dict get $v context]
  }
  return [list $params $statics]
}

# The proof of possession and what the file says on the way to it.
proc cocktail_pop {name v r} {
  set pub [binary decode hex [lindex [dict get $r vss_commitment] 0]]
  set msg [vec_bytes $v context][binary decode hex [vec_joined $r vss_commitment]][vec_bytes $r ephemeral_public_key]
  vec_case $name.pop {schnorr verify $pub $msg [vec_bytes $r pop]} 1
  if {![vec_has $r pop_intermediate]} return
  set p [dict get $r pop_intermediate]
  set prefix [binary encode hex COCKTAIL-DKG-Ed25519-SHA512-NONCE]
  set at [string length $prefix]
  if {[vec_has $p message]} { vec_case $name.message {vec_hex $msg} [dict get $p message] }
  if {[vec_has $p nonce_input]} {
    set secret [string range [dict get $p nonce_input] $at $at+63]
    vec_case $name.secret {vec_hex [ed base [binary decode hex $secret]]} [vec_hex $pub]
    vec_case $name.nonce_input {string cat $prefix $secret [vec_hex $msg]} [dict get $p nonce_input]
    vec_case $name.sign {vec_hex [schnorr sign [binary decode hex $secret] $msg]} [dict get $r pop]
  }
  if {[vec_has $p nonce_input] && [vec_has $p nonce]} {
    vec_case $name.nonce {vec_hex [ed reduce [ed sha512 [vec_bytes $p nonce_input]]]} [dict get $p nonce]
  }
  if {[vec_has $p nonce] && [vec_has $p nonce_commitment]} {
    vec_case $name.nonce_commitment {vec_hex [ed base [vec_bytes $p nonce]]} [dict get $p nonce_commitment]
  }
  if {[vec_has $p challenge_input]} {
    vec_case $name.challenge_input {
      vec_hex COCKTAIL-DKG-Ed25519-SHA512-H7[string range [vec_bytes $r pop] 0 31]$pub$msg
    } [dict get $p challenge_input]
  }
  if {[vec_has $p challenge_input] && [vec_has $p challenge]} {
    vec_case $name.challenge {vec_hex [ed reduce [ed sha512 [vec_bytes $p challenge_input]]]} [dict get $p challenge]
  }
}

# The whole protocol by our code, with the file's random stream.
proc cocktail_replay {file v name params statics} {
  set n [dict get $v n]
  set dkgs {}; set msgs {}; set sigs ""
  for {set i 1} {$i <= $n} {incr i} {
    set d [dkg $params $i [lindex $statics $i-1] [vec_stream $file $v $i]]
    set payload ""
    if {[vec_has $v payloads]} {
      set payload [binary decode hex [lindex [dict get $v payloads] $i-1]]
    } elseif {[string length [lindex [dict get [lindex [dict get $v round1] $i-1] encrypted_shares] 0]] > 96} {
      set payload [vec_block $file $v payload_$i]
    }
    lappend msgs [$d round1 $payload]
    lappend dkgs $d
    vec_case $name.$i.msg1 {vec_hex [lindex $msgs end]} [vec_hex [vec_msg1 [lindex [dict get $v round1] $i-1]]]
  }
  set ext [expr {[vec_has $v extension] ? [vec_bytes $v extension] : ""}]
  foreach d $dkgs { append sigs [$d round2 $msgs $ext raw] }
  set i 0
  foreach d $dkgs {
    incr i
    lassign [$d finish $sigs] cert share
    cocktail_share $v $name.$i.replay $i $share
    vec_case $name.$i.transcript {vec_hex [lindex [$d result] 0]} [vec_hex [vec_transcript $v]]
    if {[vec_has $v round3 signatures]} {
      vec_case $name.$i.signatures {vec_hex $cert} [vec_hex [vec_transcript $v][cocktail_signatures $v]]
    }
    rename $d ""
  }
}

# The file's signatures over the transcript; ours where it has none.
proc cocktail_signatures {v} {
  set by {}
  if {![vec_has $v round3 signatures]} {
    return [join [lmap d [dict get $v config static_secret_keys] {
      schnorr sign [binary decode hex $d] [vec_transcript $v]
    }] ""]
  }
  foreach s [dict get $v round3 signatures] { dict set by [dict get $s signer_id] [dict get $s signature] }
  set out ""
  for {set i 1} {$i <= [dict get $v n]} {incr i} { append out [binary decode hex [dict get $by $i]] }
  return $out
}

# A share and its group against round 2 of the file; the share is freed.
proc cocktail_share {v name i share} {
  set group [$share group]
  vec_case $name.group {vec_hex [lindex $group 2]} [dict get $v group_public_key]
  foreach r [dict get $v round2] {
    set p [dict get $r participant_id]
    set y [vec_hex [string range [lindex $group 3] [expr {32*($p-1)}] [expr {32*$p-1}]]]
    if {[vec_has $r verification_share]} { vec_case $name.y.$p {set y} [dict get $r verification_share] }
    if {$p == $i && [vec_has $r secret_share]} { vec_case $name.x {vec_hex [$share x]} [dict get $r secret_share] }
  }
  rename $share ""
}

# Everything that the file's own messages and signatures prove.
proc cocktail_public {v name params statics} {
  set t [vec_transcript $v]
  if {[vec_has $v round3 transcript_hash]} {
    vec_case $name.transcript_hash {vec_hex [ed sha512 $t]} [dict get $v round3 transcript_hash]
  }
  foreach r [dict get $v round1] {
    set i [dict get $r participant_id]
    vec_case $name.$i.msg1_check {cocktail_check $params $i [vec_msg1 $r] blame} 1
    cocktail_pop $name.$i $v $r
  }
  set cert $t[cocktail_signatures $v]
  vec_case $name.certificate {vec_hex [lindex [dict get [cocktail_certificate $cert] group] 2]} \
    [dict get $v group_public_key]
  for {set i 1} {$i <= [dict get $v n]} {incr i} {
    vec_case $name.$i.certeq {vec_hex [schnorr sign [[lindex $statics $i-1] d] $t]} \
      [vec_hex [string range [cocktail_signatures $v] [expr {64*($i-1)}] [expr {64*$i-1}]]]
    set frames ""
    foreach r [dict get $v round1] { append frames [vec_frame [binary decode hex [lindex [dict get $r encrypted_shares] $i-1]]] }
    cocktail_share $v $name.$i.recovered $i [cocktail_recover [lindex $statics $i-1] $cert $frames]
  }
  if {[vec_has $v recovery ciphertexts]} { cocktail_recovery $v $name $cert $statics }
}

proc cocktail_recovery {v name cert statics} {
  set r [dict get $v recovery]
  set i [dict get $r participant_id]
  set frames ""
  foreach c [dict get $r ciphertexts] { append frames [vec_frame [binary decode hex $c]] }
  set share [cocktail_recover [lindex $statics $i-1] $cert $frames]
  vec_case $name.recovery.x {vec_hex [$share x]} [dict get $r recovered_secret_share]
  vec_case $name.recovery.y {vec_hex [ed base [$share x]]} [dict get $r recovered_verification_share]
  rename $share ""
}

proc run_vectors_cocktail {path} {
  vec_start
  set file [vec_read $path]
  if {[dict get $file ciphersuite] ne $::vec_suite} { error "not the suite $::vec_suite" }
  set vectors [expr {[vec_has $file vectors] ? [dict get $file vectors] : [list $file]}]
  set k 0
  foreach v $vectors {
    set name [incr k].[dict get $v t]of[dict get $v n]
    lassign [cocktail_setup $file $v $name] params statics
    cocktail_public $v $name $params $statics
    if {[vec_has $file seed]} { cocktail_replay $file $v $name $params $statics }
    foreach s $statics { rename $s "" }
  }
  return $::vec
}

# ---- decoding ----------------------------------------------------------------

proc run_vectors_decode {path} {
  vec_start
  set v [vec_read $path]
  foreach {key kind} {points point scalars scalar} {
    if {![vec_has $v $key]} continue
    foreach c [dict get $v $key] {
      set name "$kind [string range [dict get $c hex] 0 15] [expr {[vec_has $c why] ? [dict get $c why] : ""}]"
      set valid [expr {[dict get $c valid] ? 1 : "QR:MALFORMED"}]
      if {[string length [dict get $c hex]] != 64} {
        vec_case "$name: length" {set valid} QR:MALFORMED
      } else {
        vec_case $name {frost_decode $kind [vec_bytes $c hex]} $valid
      }
    }
  }
  return $::vec
}

# ---- Wycheproof --------------------------------------------------------------

# Ed25519 verification files: testGroups with a key ("publicKey" or, in older
# files, "key", with pk) and tests {tcId comment msg sig result}.  Judges are the
# product's verification of signatures and libsodium's; "acceptable" is either.
proc run_vectors_wycheproof {path} {
  vec_start
  set v [vec_read $path]
  if {![string match -nocase *ed*25519* [dict get $v algorithm][expr {[vec_has $v schema] ? [dict get $v schema] : ""}]] &&
      [dict get $v algorithm] ni {EDDSA Ed25519 ED25519}} {
    error "not Ed25519"
  }
  foreach g [dict get $v testGroups] {
    set key [dict get $g [expr {[vec_has $g publicKey] ? "publicKey" : "key"}]]
    if {[vec_has $key curve] && ![string match *25519 [dict get $key curve]]} continue
    set pk [vec_bytes $key pk]
    foreach t [dict get $g tests] {
      if {[dict get $t result] eq "acceptable"} continue
      set name "[dict get $t tcId] [expr {[vec_has $t comment] ? [dict get $t comment] : ""}]"
      set sig [vec_bytes $t sig]
      set msg [vec_bytes $t msg]
      set valid [expr {[dict get $t result] eq "valid"}]
      if {[string length $sig] != 64 || [string length $pk] != 32} {
        vec_case "$name: length" {set valid} 0
        continue
      }
      vec_case "$name: ours" {ed25519_verify $pk $msg $sig} $valid
      vec_case "$name: libsodium" {ed verify $sig $msg $pk} $valid
    }
  }
  return $::vec
}
