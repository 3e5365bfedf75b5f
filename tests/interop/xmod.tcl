# xmod.tcl - golang.org/x/mod's sumdb/note and sumdb/tlog check our notes, tiles
# and proofs, and we check a note of theirs.  The Go program is theirs but for
# the reading of files; xmod.go.
source [file join $::env(srcdir) tests tester.tcl]
test_file interop_xmod
set dir [test_dir]
set gopath /usr/share/gocode
if {[auto_execok go] eq "" || ![file isdirectory $gopath/src/golang.org/x/mod/sumdb/tlog]} {
  skip_test all "golang-go and golang-golang-x-mod-dev are not installed"
  finish_test
}
puts "# [exec go version], golang-golang-x-mod-dev [exec dpkg-query -W -f {${Version}} golang-golang-x-mod-dev]"
set xmod $dir/xmod
do_test build {
  catch {exec env HOME=$dir GO111MODULE=off GOPATH=$gopath GOCACHE=$dir/cache GOTOOLCHAIN=local GOFLAGS= \
    go build -o $xmod [file join $::env(srcdir) tests interop xmod.go] 2>@1} out
  set out
} {}
proc xmod {args} { if {[catch {exec $::xmod {*}$args} out]} { return $out } ; return $out }
proc b64 {h} { binary encode base64 $h }

set origin interop.test/log
set seed [string repeat \x41 32]
set vkey [tlog_vkey $origin $seed]
foreach size {1 2 255 256 257 700 66000} {
  set conf [list path $dir/$size.db origin $origin seed $seed low 1]
  log_create $conf
  log_open L $conf
  for {set from 0} {$from < $size} {incr from 4000} {
    set batch {}
    for {set i $from} {$i < min($from + 4000, $size)} {incr i} { lappend batch [list "entry $i of $size"] }
    L batch $batch
  }
  exec [file join $::env(builddir) tlog-verify] tiles --db $dir/$size.db -o $dir/$size
  set lines {}
  for {set k 0} {$k < 60} {incr k} {
    set i [expr {$k * 7919 % $size}]
    lappend lines [concat i $i $size [b64 [L root $size]] [b64 [L leaf $i]] [lmap h [L inclusion $i $size] {b64 $h}]]
    set m [expr {$k * 104729 % $size + 1}]
    lappend lines [concat c $m [b64 [L root $m]] $size [b64 [L root $size]] [lmap h [L consistency $m $size] {b64 $h}]]
  }
  write_file $dir/proofs [join $lines \n]\n
  do_test $size.good {xmod check $dir/$size $vkey $dir/proofs} "entries $size\nproofs 120"
  write_file $dir/bad [string map [list [b64 [L root $size]] [b64 [tlog_leaf x]]] [read_file $dir/proofs]]
  if {$size > 1} { do_test $size.bad {xmod check $dir/$size $vkey $dir/bad} /FAILED/ }
  L close
}
do_test key.other {xmod check $dir/700 [tlog_vkey $origin [string repeat \x42 32]] $dir/proofs} /FAILED/
# A note of theirs.
do_test theirs {
  set out [read [set p [open |[list $xmod sign theirs.test/log]]]]
  close $p
  set at [string first \n $out]
  set theirs [string range $out 0 $at-1]
  write_file $dir/note [encoding convertto [encoding system] [string range $out $at+1 end]]
  exec [file join $::env(builddir) tlog-verify] checkpoint --vkey $theirs $dir/note
} {/^origin theirs.test.log\nsize 0\n/}
finish_test
