# snp.tcl - the SNP verdict cases (quorate-snp-cases/1) and certificate tables.
# run_vectors_snp takes cases.json, run_vectors_certtables certtables.json; both
# return {passed failed}.  `quorate attest verify --cases` says what it makes of
# each case; what the right verdict is, the case alone says.
package require json

proc snp_count {countVar right name} {
  upvar 1 $countVar count
  if {[llength [info commands tap_line]]} { tap_line $right $name }
  lset count [expr {!$right}] [expr {[lindex $count [expr {!$right}]] + 1}]
}

proc run_vectors_snp {path} {
  set quorate [file join $::env(builddir) quorate]
  set count {0 0}
  set lines [split [exec $quorate attest verify --cases $path] \n]
  set cases [dict get [json::json2dict [encoding convertfrom utf-8 [read_file $path]]] cases]
  if {[llength $lines] != [llength $cases]} { error "[llength $lines] verdicts for [llength $cases] cases" }
  foreach case $cases line $lines {
    set got [json::json2dict $line]
    set expect [dict get $case expect]
    set right [expr {[dict get $got name] eq [dict get $case name] && [dict get $got verdict] eq $expect
      && [dict get $got reason] in [expr {$expect eq "accept" ? "OK" : [dict get $case reasons]}]}]
    if {!$right} { puts "# [dict get $case name]: got $line, expected $expect" }
    snp_count count $right [dict get $case name]
  }
  return $count
}

proc run_vectors_certtables {path} {
  set count {0 0}
  foreach case [dict get [json::json2dict [read_file $path]] cases] {
    set table [read_file [file join [file dirname $path] [dict get $case table]]]
    set got [expr {[catch {snp_certtable $table} found] ? "reject" : "ok"}]
    set right [expr {$got eq [dict get $case expect]
      && ($got eq "reject" || [lsort [dict keys $found]] eq [lsort [dict get $case present]])}]
    if {!$right} { puts "# [dict get $case name]: got $got $found" }
    snp_count count $right [dict get $case name]
  }
  return $count
}
