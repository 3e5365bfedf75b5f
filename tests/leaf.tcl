# leaf.tcl - helpers of the leaf tests: canonical JSON written in Tcl from typed
# values, every way to spoil such a value, RFC 8032 signing from bare libsodium
# arithmetic, SHA-256 by sha256sum.

# Typed values.  Each knows its canonical text and the texts near it that must
# be refused: {hex N fill} {b64 N fill} {time text} {ulid text} {u64 n}
# {u64or n} ("" too) {int v lo hi}; {cint v lo hi} {cu64 n} (bounds depend on
# other fields) {word w} {ns name} {text s max} {text1 s max} (not empty)
# {classes names} {raw json}
# {any value} (free inside) {obj key value ...} {arr least value ...}.
set ::fill 0
proc next_fill {} { format %02x [expr {0xa0 + [incr ::fill] % 0x5f}] }
proc hx {n} { list hex $n [next_fill] }
proc b64 {n} { list b64 $n [next_fill] }
proc hex_text {v} { string repeat [lindex $v 2] [lindex $v 1] }
proc obj {args} { list obj {*}$args }
proc arr {least args} { list arr $least {*}$args }

proc json_string {s} {
  set map [list \" \\\" \\ \\\\ \b \\b \t \\t \n \\n \f \\f \r \\r]
  for {set i 0} {$i < 32} {incr i} {
    set c [format %c $i]
    if {$c ni $map} { lappend map $c [format \\u%04x $i] }
  }
  return "\"[string map $map $s]\""
}

# Canonical text of a typed value (characters; utf8 makes the bytes).
proc js {v} {
  set a [lindex $v 1]
  switch [lindex $v 0] {
    hex - hexor { return "\"[hex_text $v]\"" }
    b64 { return "\"[binary encode base64 [binary decode hex [hex_text $v]]]\"" }
    int - cint - raw { return $a }
    any { return [js $a] }
    classes {
      set out {}
      foreach c $a { lappend out [json_string $c] }
      return "\[[join $out ,]\]"
    }
    obj {
      set out {}
      foreach k [lsort [dict keys [lrange $v 1 end]]] {
        lappend out "[json_string $k]:[js [dict get [lrange $v 1 end] $k]]"
      }
      return "{[join $out ,]}"
    }
    arr {
      set out {}
      foreach e [lrange $v 2 end] { lappend out [js $e] }
      return "\[[join $out ,]\]"
    }
    default { return [json_string $a] }
  }
}
proc utf8 {s} { encoding convertto utf-8 $s }

# JSON texts that must be refused in place of v itself.
proc bad_texts {v} {
  set a [lindex $v 1]
  set out {null true 7.5}
  switch [lindex $v 0] {
    b64any { lappend out 7 "{}" "\"AAECAw\"" "\"AA-_\"" "\"AAECAx==\"" "\"AAEC Aw==\"" "\"AAECAw==\\n\"" }
    hex - hexor {
      set h [hex_text $v]
      if {[lindex $v 0] eq "hex"} { lappend out \"\" }
      lappend out 7 "\"[string range $h 1 end]\"" "\"${h}0\"" "\"${h}00\"" \
        "\"[string toupper $h]\"" "\"[string replace $h 0 0 g]\"" "\[\"$h\"\]"
    }
    b64 {
      set raw [binary decode hex [hex_text $v]]
      lappend out 7 "{}" \"\" "\"[binary encode base64 [string range $raw 1 end]]\"" \
        "\"[binary encode base64 $raw\0]\"" "\"[string trimright [binary encode base64 $raw] =]\""
    }
    time {
      lappend out 7 \"\"
      foreach {from to} {. , T t Z z Z +00:00 Z {} 2026- 20260 -11- -13- .123456 {} .123456 .12345
                         .123456 .1234567} {
        lappend out [json_string [string map [list $from $to] $a]]
      }
    }
    ulid {
      lappend out 7 \"\" "\"[string range $a 1 end]\"" "\"${a}0\"" "\"[string tolower $a]\"" \
        "\"[string replace $a 0 0 8]\"" "\"[string replace $a 5 5 U]\""
    }
    u64 - u64or - cu64 {
      if {[lindex $v 0] ne "u64or"} { lappend out \"\" }
      lappend out 7 "\"0$a\"" "\"-1\"" "\"+1\"" "\"1 \"" "\"18446744073709551616\"" "\"0x1\""
    }
    ns { lappend out 7 \"\" {["file"]} \"File\" "\"a b\"" }
    int - cint {
      lassign $v - - lo hi
      lappend out "\"$a\"" [expr {$lo - 1}] [expr {$hi + 1}] -9007199254740992 9007199254740992 "\[$a\]"
    }
    word { lappend out 7 \"\" "\"${a}x\"" "\"[string toupper $a 0]x\"" "\"[string range $a 1 end]\"" "\[\"$a\"\]" }
    text - text1 {
      lappend out 7 "\[\"x\"\]" [json_string [string repeat x [expr {[lindex $v 2] + 1}]]]
      if {[lindex $v 0] eq "text1"} { lappend out \"\" }
    }
    classes {
      lappend out 7 "\"demo\"" {["production"]} {[""]} {[1]} {["simulated","demo"]} {["demo","demo"]} \
        {["demo","simulated","simulated"]} {["Demo"]} {["demo",null]}
    }
    any - obj { lappend out 7 "\"x\"" {[]} }
    arr {
      lappend out 7 "\"x\"" "{}" {[7]} {[null]}
      if {$a > 0} { lappend out {[]} }
    }
  }
  return $out
}

# Values that are at the edge but good.
proc good_values {v} {
  lassign $v type a
  switch $type {
    int { return [list [lreplace $v 1 1 [lindex $v 2]] [lreplace $v 1 1 [lindex $v 3]]] }
    u64or { return {{u64 0} {u64 18446744073709551615} {u64 {}}} }
    u64 { return {{u64 0} {u64 18446744073709551615}} }
    b64any { return {{b64any {}} {b64any AA==}} }
    hexor { return {{hexor 0 00}} }
    text { return [list {text {} 1} [list text [string repeat x [lindex $v 2]] 1] [list text "\u00e9 \"\\/\u007f" 9]] }
    text1 { return [list [list text "\u00e9\n\t\u0001\u20ac\U10348" 9]] }
    classes { return {{classes {}} {classes {demo simulated softseal unattended}} {classes {demo unattended}}} }
    time { return {{time 1970-01-01T00:00:00.000000Z} {time 9999-12-31T23:59:59.999999Z}} }
    ulid { return {{ulid 00000000000000000000000000} {ulid 7ZZZZZZZZZZZZZZZZZZZZZZZZZ}} }
  }
  return {}
}

# {path bad-value ...}: every field removed, of another type or spelling, and
# an unknown field in every object.
proc mutants {v {path ""}} {
  set out {}
  if {[lindex $v 0] eq "obj"} {
    set d [lrange $v 1 end]
    lappend out $path/+ [list obj {*}$d zzz {int 1 0 1}] $path/+ [list obj {*}$d A {int 1 0 1}]
    dict for {k sub} $d {
      lappend out $path/$k [list obj {*}[dict remove $d $k]]
      foreach t [bad_texts $sub] { lappend out $path/$k [list obj {*}[dict replace $d $k [list raw $t]]] }
      foreach {p m} [mutants $sub $path/$k] { lappend out $p [list obj {*}[dict replace $d $k $m]] }
    }
  } elseif {[lindex $v 0] eq "arr"} {
    for {set i 2} {$i < [llength $v]} {incr i} {
      set p $path\[[expr {$i - 2}]\]
      foreach t [bad_texts [lindex $v $i]] { lappend out $p [lreplace $v $i $i [list raw $t]] }
      foreach {q m} [mutants [lindex $v $i] $p] { lappend out $q [lreplace $v $i $i $m] }
    }
  }
  return $out
}

# {path good-value ...}
proc variants {v {path ""}} {
  set out {}
  switch [lindex $v 0] {
    obj {
      set d [lrange $v 1 end]
      dict for {k sub} $d {
        foreach g [good_values $sub] { lappend out $path/$k [list obj {*}[dict replace $d $k $g]] }
        foreach {p m} [variants $sub $path/$k] { lappend out $p [list obj {*}[dict replace $d $k $m]] }
      }
    }
    arr {
      for {set i 2} {$i < [llength $v]} {incr i} {
        foreach {p m} [variants [lindex $v $i] $path\[[expr {$i - 2}]\]] { lappend out $p [lreplace $v $i $i $m] }
      }
    }
  }
  return $out
}

# Field at a path of keys and positions (positions in arrays).
proc at {v path} {
  foreach k $path {
    set v [expr {[lindex $v 0] eq "arr" ? [lindex $v [expr {$k + 2}]] : [dict get [lrange $v 1 end] $k]}]
  }
  return $v
}
# v with the field at a path replaced or added.
proc with {v path new} {
  if {![llength $path]} { return $new }
  set k [lindex $path 0]
  set rest [lrange $path 1 end]
  if {[lindex $v 0] eq "arr"} {
    incr k 2
    return [lreplace $v $k $k [with [lindex $v $k] $rest $new]]
  }
  set d [lrange $v 1 end]
  if {[llength $rest]} { set new [with [dict get $d $k] $rest $new] }
  return [list obj {*}[dict replace $d $k $new]]
}

# Result name of a script, or its value.
proc outcome {script} {
  if {![catch {uplevel 1 $script} got opts]} { return $got }
  set ec [dict get $opts -errorcode]
  return [expr {[lindex $ec 0] eq "QR" ? "QR:[lindex $ec 1]" : "ERROR: $got"}]
}

# Reads v by "{*}$again text" and expects the same text back; then every edge
# value the same way, and QR:MALFORMED for every mutant, one case a field.
proc check_shape {name v again} {
  set text [utf8 [js $v]]
  do_test $name.again {{*}$again $text} $text
  set wrong {}
  foreach {path g} [variants $v] {
    set t [utf8 [js $g]]
    set got [outcome {{*}$again $t}]
    if {$got ne $t} { lappend wrong "$path: $t: $got" }
  }
  do_test $name.edges {set wrong} {}
  set at {}
  foreach {path m} [mutants $v] {
    set t [utf8 [js $m]]
    if {$t eq $text} { continue }
    set got [outcome {{*}$again $t}]
    dict lappend at $path
    if {$got ne "QR:MALFORMED"} { dict lappend at $path "$t: $got" }
  }
  dict for {path taken} $at { do_test $name.bad$path {set taken} {} }
}

proc sha256 {bytes} {
  set p [open |sha256sum r+b]
  puts -nonewline $p $bytes
  close $p write
  set out [read $p]
  close $p
  return [binary decode hex [string range $out 0 63]]
}
proc tagged_hash {tag bytes} { sha256 $tag\0$bytes }
proc lp {bytes} { return [binary format I [string length $bytes]]$bytes }
proc key_id {pub} { binary encode hex [string range [sha256 $pub] 0 7] }

# RFC 8032 section 5.1.5 and 5.1.6.
proc clamped {seed} {
  set h [ed sha512 $seed]
  binary scan $h cu32a32 a prefix
  lset a 0 [expr {[lindex $a 0] & 248}]
  lset a 31 [expr {([lindex $a 31] & 127) | 64}]
  return [list [binary format c32 $a] $prefix]
}
proc public_key {seed} { ed base [lindex [clamped $seed] 0] }
proc rfc8032_sign {seed message} {
  lassign [clamped $seed] a prefix
  set pub [ed base $a]
  set r [ed reduce [ed sha512 $prefix$message]]
  set R [ed base $r]
  set k [ed reduce [ed sha512 $R$pub$message]]
  return $R[ed sadd $r [ed smul $k [ed reduce $a[string repeat \0 32]]]]
}
proc tagged_sign {seed tag message} { rfc8032_sign $seed $tag\0$message }
proc seed {n} { string repeat [format %c $n] 32 }
proc b64_of {bytes} { binary encode base64 $bytes }
proc h {bytes} { binary encode hex $bytes }
# s with one bit of byte i turned.
proc flip {s i {bit 0}} {
  binary scan $s @${i}cu c
  return [string replace $s $i $i [binary format c [expr {$c ^ (1 << $bit)}]]]
}
set ::ULID 01JD2Z5K8M9N0P1Q2R3S4T5V6W
