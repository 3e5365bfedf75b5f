# frost.tcl - helpers of the frost tests: groups and DKG messages made in Tcl
# from bare libsodium operations (a second definition of round 1, which can also
# lie), and the encodings that must be refused everywhere.

set L_hex edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010
set L [binary decode hex $L_hex]

proc b2h {b} { binary encode hex $b }
proc h2b {h} { binary decode hex $h }
# A repeatable scalar for a label.
proc scalar {label} { ed reduce [ed sha512 "test scalar $label"] }
proc small {i} { binary format i1x28 $i }
proc flip {bytes at {mask 1}} {
  binary scan [string index $bytes $at] cu v
  return [string replace $bytes $at $at [binary format c [expr {$v ^ $mask}]]]
}
# Integer sum of two 32-byte little-endian numbers, not reduced.
proc wide_add {a b} {
  binary scan $a cu* x
  binary scan $b cu* y
  set carry 0
  set out ""
  foreach i $x j $y {
    set s [expr {$i + $j + $carry}]
    append out [binary format c [expr {$s & 255}]]
    set carry [expr {$s >> 8}]
  }
  return $out
}

# {name bytes ...} of 32-byte strings that are no members of the group.
proc bad_points {} {
  set out {}
  foreach {name hex} {
    identity 0100000000000000000000000000000000000000000000000000000000000000
    order2   ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
    order4a  0000000000000000000000000000000000000000000000000000000000000000
    order4b  0000000000000000000000000000000000000000000000000000000000000080
    order8a  26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05
    order8b  26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85
    order8c  c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a
    order8d  c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa
    sign1    0100000000000000000000000000000000000000000000000000000000000080
    sign2    ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
    offcurve 0b00000000000000000000000000000000000000000000000000000000000000
    ones     ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
  } { lappend out $name [h2b $hex] }
  foreach name {order2 order4a order8a} {
    lappend out mixed_$name [ed add [ed base [scalar mixed]] [dict get $out $name]]
  }
  for {set k 0} {$k < 19} {incr k} {
    foreach top {7f ff} {
      lappend out p+$k.$top [h2b [format %02x [expr {0xed + $k}]][string repeat ff 30]$top]
    }
  }
  return $out
}

# {name bytes ...} of 32-byte strings that are no canonical scalars.
proc bad_scalars {} {
  set out [list L $::L L+1 [wide_add $::L [small 1]]]
  foreach {name hex} {
    2^252+2^251 0000000000000000000000000000000000000000000000000000000000000018
    2^255-1     ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
    bit255      0100000000000000000000000000000000000000000000000000000000000080
    all         ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
  } { lappend out $name [h2b $hex] }
  return $out
}

# f(x) for coefficients, lowest first.
proc poly {coefficients x} {
  set sum [small 0]
  foreach c [lreverse $coefficients] { set sum [ed sadd [ed smul $sum [small $x]] $c] }
  return $sum
}
proc coefficients {label t} {
  set f {}
  for {set k 0} {$k < $t} {incr k} { lappend f [scalar $label.$k] }
  return $f
}

# A group dealt here: {group {share ...}}.
proc dealt_group {n t {label g}} {
  set f [coefficients $label $t]
  set ys ""
  for {set i 1} {$i <= $n} {incr i} { append ys [ed base [poly $f $i]] }
  set group [list $n $t [ed base [lindex $f 0]] $ys]
  set shares {}
  for {set i 1} {$i <= $n} {incr i} { lappend shares [frost_share $group $i [poly $f $i]] }
  return [list $group $shares]
}

# Round 1 of these signers: {list nonces-by-id}.
proc commit_all {shares} {
  set list {}
  set nonces {}
  foreach s $shares {
    lassign [$s commit] n c
    lappend list $c
    dict set nonces [$s id] $n
  }
  return [list $list $nonces]
}
# Round 2: {{id z} ...}.
proc sign_all {shares nonces msg list} {
  lmap s $shares { list [$s id] [[dict get $nonces [$s id]] sign $s $msg $list] }
}
# Both rounds and the signature.
proc sign_with {group shares msg} {
  lassign [commit_all $shares] list nonces
  return [frost_aggregate $group $msg $list [sign_all $shares $nonces $msg $list] ::culprits]
}

# COCKTAIL-DKG by its text, deterministic signatures.
proc tcl_schnorr {key msg} {
  set k [ed reduce [ed sha512 COCKTAIL-DKG-Ed25519-SHA512-NONCE$key$msg]]
  set r [ed base $k]
  set c [ed reduce [ed sha512 COCKTAIL-DKG-Ed25519-SHA512-H7$r[ed base $key]$msg]]
  return $r[ed sadd $k [ed smul $c $key]]
}
proc tcl_cipher {dh_e dh_s e_pub from to context plain} {
  set tmp [ed sha512 COCKTAIL-DKG-Ed25519-SHA512-H6$dh_e$dh_s$e_pub$from$to[binary format w [string length $context]]$context]
  return [ed seal [string range $tmp 0 31] [string range $tmp 32 55] $plain]
}
proc frame {cipher} { return [binary format W [string length $cipher]]$cipher }
proc key_of {params i} { string range [lindex $params 2] [expr {32*($i-1)}] [expr {32*$i-1}] }

# First message of participant i with static key d, polynomial f and ephemeral
# key e.  lies: C (list of points), pop, context, plain.J (plaintext for J),
# frame.J (whole frame for J).
proc tcl_msg1 {params i d f e {lies {}}} {
  lassign $params n t keys context
  if {[dict exists $lies context]} { set context [dict get $lies context] }
  set c [lmap a $f { ed base $a }]
  if {[dict exists $lies C]} { set c [dict get $lies C] }
  set c [join $c ""]
  set e_pub [ed base $e]
  set pop [tcl_schnorr [lindex $f 0] $context$c$e_pub]
  if {[dict exists $lies pop]} { set pop [dict get $lies pop] }
  set out $c$pop$e_pub
  for {set j 1} {$j <= $n} {incr j} {
    set to [key_of $params $j]
    set plain [poly $f $j]
    if {[dict exists $lies plain.$j]} { set plain [dict get $lies plain.$j] }
    set frame [frame [tcl_cipher [ed mul $e $to] [ed mul $d $to] $e_pub [ed base $d] $to $context $plain]]
    if {[dict exists $lies frame.$j]} { set frame [dict get $lies frame.$j] }
    append out $frame
  }
  return $out
}

# A DKG of our participants, started: dict params statics dkgs msgs.
proc dkg_start {n t {sid session}} {
  set statics {}
  set keys ""
  for {set i 1} {$i <= $n} {incr i} {
    lappend statics [cocktail_static [scalar static.$i]]
    append keys [[lindex $statics end] pub]
  }
  set params [cocktail_params $n $t $keys $sid]
  set dkgs {}
  set msgs {}
  for {set i 1} {$i <= $n} {incr i} {
    lappend dkgs [dkg $params $i [lindex $statics $i-1]]
    lappend msgs [[lindex $dkgs end] round1]
  }
  return [dict create params $params statics $statics dkgs $dkgs msgs $msgs]
}
# ... and run to its end: sigs cert shares besides.
proc dkg_run {n t {sid session} {prefix prefix}} {
  set s [dkg_start $n $t $sid]
  set sigs ""
  foreach d [dict get $s dkgs] { append sigs [$d round2 [dict get $s msgs] $prefix] }
  set shares {}
  foreach d [dict get $s dkgs] {
    lassign [$d finish $sigs] cert share
    lappend shares $share
  }
  dict set s sigs $sigs
  dict set s cert $cert
  dict set s shares $shares
  return $s
}
