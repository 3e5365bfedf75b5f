# spec-index.tcl ROOT - prints docs/SPECS.md: which file quotes or follows which
# section of which public specification, as its comments say.
#
# It knows RFC NUMBER [section] N.N, FIPS NUMBER, C2SP NAME and the names of the
# C2SP specifications that follow one another in a list.  Lines carry no
# numbers of lines, so the page changes only when a comment names another spec.
source [file join [file dirname [info script]] .. tests source.tcl]

# The text of the comments only, each on one line.
proc comments {text} {
  set out ""
  foreach c [regexp -all -inline {/\*(?:[^*]|\*+[^*/])*\*+/} $text] {
    regsub -all {\s*\n\s*\*?\s*} $c " " c
    append out $c \n
  }
  return $out
}

# {spec section} pairs that a text names.
proc specs_in {text} {
  set out {}
  foreach {- num - sec} [regexp -all -inline \
      {\mRFC (\d{3,5})(?:,? (section|sections|appendix)? ?([0-9A-G](?:\.\d+)*)(?![\w-]))?} $text] {
    lappend out [list "RFC $num" $sec]
  }
  foreach {- num} [regexp -all -inline {\mFIPS (\d{3}(?:-\d)?)} $text] {
    lappend out [list "FIPS $num" ""]
  }
  foreach {- list} [regexp -all -inline {\mC2SP ((?:[a-z0-9-]+(?:, | and )?)+)} $text] {
    foreach name [regexp -all -inline {[a-z0-9-]+} $list] {
      if {$name in {signed-note tlog-checkpoint tlog-tiles tlog-proof tlog-cosignature
                    tlog-witness tlog-policy tlog-mirror}} {
        lappend out [list "C2SP $name" ""]
      }
    }
  }
  foreach {re spec} {{\mCOCKTAIL-DKG\M} "C2SP COCKTAIL-DKG" {\mDSSE\M} "DSSE v1"
      {\mPROTOCOL\.sshsig\M} "OpenSSH PROTOCOL.sshsig" {\min-toto Statement\M} "in-toto Statement v1"} {
    if {[regexp $re $text]} { lappend out [list $spec ""] }
  }
  return $out
}

proc main {root} {
  foreach file [source_files $root {src tlog tools}] {
    foreach pair [specs_in [comments [source_text $root $file]]] {
      dict set found $pair $file 1
    }
  }
  puts "# Specifications in the code"
  puts ""
  puts "Made by tools/spec-index.tcl from the comments; `./dev lint` says when it is old."
  puts ""
  puts "| specification | section | files |"
  puts "| --- | --- | --- |"
  if {![info exists found]} { return }
  foreach pair [lsort -dictionary [dict keys $found]] {
    puts "| [lindex $pair 0] | [lindex $pair 1] | [join [lsort [dict keys [dict get $found $pair]]] {, }] |"
  }
}
fconfigure stdout -encoding utf-8
main [lindex $argv 0]
