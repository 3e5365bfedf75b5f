# snp.tcl - the SNP verdict cases (quorate-snp-cases/1).  run_vectors_snp takes
# cases.json and returns {passed failed}.  The policies of the cases become
# policy texts; what the right verdict is, the case alone says.
package require json

# DER of a file that may be PEM.
proc snp_der {path} {
  set data [read_file $path]
  if {[string first -----BEGIN $data] != 0} { return $data }
  return [binary decode base64 [join [lrange [split [string trim $data] \n] 1 end-1] ""]]
}

# The levels of a policy, those left out as 0.
proc snp_tcb {product levels} {
  set names {bl tee snp ucode}
  if {$product eq "Turin"} { lappend names fmc }
  set out {}
  foreach n $names {
    lappend out $n=[expr {[dict exists $levels $n] ? [dict get $levels $n] : 0}]
  }
  return [join $out]
}

# The policy text of a case; `trust` gives the pins when they are not AMD's.
proc snp_policy_text {policy trust} {
  set out {}
  if {$trust ne ""} {
    lappend out "classes = simulated"
    dict for {product pins} $trust { lappend out "ark.$product = [join $pins {, }]" }
  }
  dict for {key v} $policy {
    switch -- $key {
      report_data {}
      min_tcb - min_launch_tcb {
        dict for {product levels} $v { lappend out "$key.$product = [snp_tcb $product $levels]" }
      }
      min_abi { lappend out "min_abi = [join $v .]" }
      products {
        # A product nobody knows: none of ours is allowed then.
        if {$v eq "Nova"} { lappend out "products = Turin" } else { lappend out "products = [join $v {, }]" }
      }
      default {
        lappend out "$key = [join [string map {true yes false no} $v] {, }]"
      }
    }
  }
  return [join $out \n]
}

# {reason 1|0}: the verdict of one case, and whether it is right.
proc snp_case {dir case trusts} {
  set parts {}
  lappend parts report [read_file $dir/[dict get $case report]]
  foreach {name key} {vek vek ask ica ark ark} {
    lappend parts $name [snp_der $dir/[dict get $case $key]]
  }
  lappend parts crl [expr {[dict exists $case crl] ? [snp_der $dir/[dict get $case crl]] : ""}]
  set policy [dict get $case policy]
  set trust [dict get $case trust]
  set pins [expr {$trust eq "amd" ? "" : [dict get $trusts $trust]}]
  set data ""
  if {[dict exists $policy report_data]} { set data [unhex [dict get $policy report_data]] }
  set at [clock scan [dict get $case at] -format {%Y-%m-%dT%H:%M:%SZ} -gmt 1]
  set got [lindex [snp_verify [snp_policy_text $policy $pins] $parts [expr {$at * 1000000}] $data] 0]
  if {[dict get $case expect] eq "accept"} { return [list $got [expr {$got eq "OK"}]] }
  return [list $got [expr {$got in [dict get $case reasons]}]]
}

proc run_vectors_snp {path} {
  set dir [file dirname $path]
  set trusts [dict create]
  set count {0 0}
  foreach case [dict get [json::json2dict [encoding convertfrom utf-8 [read_file $path]]] cases] {
    set trust [dict get $case trust]
    if {$trust ne "amd" && ![dict exists $trusts $trust]} {
      dict set trusts $trust [json::json2dict [read_file $dir/$trust]]
    }
    if {[catch {snp_case $dir $case $trusts} got]} { set got [list $got 0] }
    lassign $got verdict right
    if {!$right} { puts "# [dict get $case name]: got $verdict, expected [dict get $case expect]" }
    if {[llength [info commands tap_line]]} { tap_line $right [dict get $case name] }
    lset count [expr {!$right}] [expr {[lindex $count [expr {!$right}]] + 1}]
  }
  return $count
}
