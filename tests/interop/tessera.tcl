# tessera.tcl - Tessera's own fsck, unchanged, reads our log from a plain web
# server and derives it anew; a damaged one it refuses.  Needs Go's module proxy.
source [file join $::env(srcdir) tests tester.tcl]
test_file interop_tessera
set version v1.0.2
set dir [test_dir]
if {[auto_execok go] eq "" || [auto_execok python3] eq ""} {
  skip_test all "go or python3 is not installed"
  finish_test
}
set cache [file join $::env(builddir) interop-go]
set fsck $cache/bin/fsck
if {![file executable $fsck]} {
  file mkdir $cache
  if {[catch {exec env GOPATH=$cache GOCACHE=$cache/build GOFLAGS=-modcacherw timeout 600 \
                go install github.com/transparency-dev/tessera/cmd/fsck@$version 2>@1} why]} {
    skip_test all "go install of Tessera $version fails: [lindex [split [string trim $why] \n] end-1]"
    finish_test
  }
}
puts "# [exec go version], tessera $version"
set origin interop.test/log
set seed [string repeat \x43 32]
write_file $dir/vkey [tlog_vkey $origin $seed]
log_create [list path $dir/l.db origin $origin seed $seed low 1]
log_open L [list path $dir/l.db origin $origin seed $seed low 1]
for {set from 0} {$from < 70000} {incr from 4000} {
  set batch {}
  for {set i $from} {$i < min($from + 4000, 70000)} {incr i} { lappend batch [list "entry $i"] }
  L batch $batch
}
L close
exec [file join $::env(builddir) tlog-verify] tiles --db $dir/l.db -o $dir/www
set pid [exec python3 -u -m http.server 0 --bind 127.0.0.1 --directory $dir/www > $dir/www.log 2>@1 &]
on_finish [list exec kill -KILL $pid]
set end [expr {[clock milliseconds] + 20000}]
while {![regexp {port (\d+)} [read_file $dir/www.log] -> port] && [clock milliseconds] < $end} { after 20 }
proc judge {} {
  set code [catch {exec timeout 30 $::fsck --storage_url http://127.0.0.1:$::port/ --public_key $::dir/vkey --ui=false 2>@1} out]
  return [list $code [regexp {Successfully fsck'd log with size 70000} $out]]
}
do_test whole {judge} {0 1}
set file $dir/www/tile/entries/200
set was [read_file $file]
write_file $file [string replace $was 40 40 [binary format c [expr {[scan [string index $was 40] %c] ^ 1}]]]
do_test damaged {lindex [judge] 1} 0
finish_test
