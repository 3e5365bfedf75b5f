# tlog_slow.tcl - RFC 6962 section 2.1 as it is written there: recursive, on a
# list of leaf hashes.  The second definition that libtlog is tested against.

# Largest power of two smaller than n.
proc slow_k {n} {
  set k 1
  while {$k * 2 < $n} { set k [expr {$k * 2}] }
  return $k
}

# MTH(D[from:to]).
proc slow_mth {leaves from to} {
  set n [expr {$to - $from}]
  if {$n == 0} { return [unhex e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855] }
  if {$n == 1} { return [lindex $leaves $from] }
  set mid [expr {$from + [slow_k $n]}]
  set h [tlog_node [slow_mth $leaves $from $mid] [slow_mth $leaves $mid $to]]
  return $h
}

# PATH(m, D[from:to]) with m counted from `from` (RFC 6962 2.1.1).
proc slow_path {leaves m from to} {
  set n [expr {$to - $from}]
  if {$n == 1} { return {} }
  set k [slow_k $n]
  set mid [expr {$from + $k}]
  if {$m < $k} {
    return [concat [slow_path $leaves $m $from $mid] [list [slow_mth $leaves $mid $to]]]
  }
  return [concat [slow_path $leaves [expr {$m - $k}] $mid $to] [list [slow_mth $leaves $from $mid]]]
}

# PROOF(m, D[0:n]) (RFC 6962 2.1.2).
proc slow_consistency {leaves m n} {
  if {$m == $n} { return {} }
  return [slow_subproof $leaves $m 0 $n 1]
}
proc slow_subproof {leaves m from to whole} {
  set n [expr {$to - $from}]
  if {$m == $n} {
    return [expr {$whole ? {} : [list [slow_mth $leaves $from $to]]}]
  }
  set k [slow_k $n]
  set mid [expr {$from + $k}]
  if {$m <= $k} {
    return [concat [slow_subproof $leaves $m $from $mid $whole] [list [slow_mth $leaves $mid $to]]]
  }
  return [concat [slow_subproof $leaves [expr {$m - $k}] $mid $to 0] [list [slow_mth $leaves $from $mid]]]
}
