# client.tcl - Tessera's client package follows a real tlogd over HTTP: every entry
# proven from the tiles, every checkpoint proven to continue the one before; a log
# whose entry was changed on the way it refuses.  Needs Go's module proxy.
source [file join $::env(srcdir) tests tester.tcl]
source [file join $::env(srcdir) tests cluster.tcl]
source [file join $::env(srcdir) tests daemons.tcl]
source [file join $::env(srcdir) tests http.tcl]
source [file join $::env(srcdir) tests interop lib go.tcl]
test_file interop_client
set version v1.0.2
set why [cluster_missing]
if {$why eq ""} { set why [go_build client.go [list github.com/transparency-dev/tessera $version]] }
if {$why ne ""} { skip_test all $why; finish_test }
puts "# [exec go version], tessera/client $version"

set dir [cluster_init]
set d [daemon_start tlogd $dir --tlog-http-bind 127.0.0.1:0]
set web [http_addr [dict get $d log]]
set n [node_open $dir client participant [dict get $d addr] tlogd]
proc more {count} {
  node_call $::n AppendBatch [dict create entries [lmap i [lrepeat $count 0] {
    entry_make [file join $::dir cad entry.key] cad service.started [ulid] [clock microseconds] 2 {{"x":1}}
  }]]
  list [lindex [split [dict get [http_get $::web /checkpoint] body] \n] 1]
}
set vkey [string trim [dict get [http_get $web /vkey] body]]
set size [more 600]
set p [open |[list [go_cache]/client/prog http://$web $vkey] r+]
fconfigure $p -buffering line
do_test first {gets $p} "$size $size"
foreach count {1 55 256 700 3} {
  set size [more $count]
  puts $p again
  do_test more.$count {gets $p} "$size $size"
}
catch {close $p}
do_test other.key {
  catch {exec [go_cache]/client/prog http://$web [tlog_vkey [lindex [split $vkey +] 0] [string repeat \x42 32]] << ""} out
  set out
} {/FAILED/}
# The same log as files, one entry changed.
set bin [file join [cluster_bin] tlog-verify]
exec $bin tiles --db $dir/tlogd/log.db -o $dir/run/www
if {[auto_execok python3] ne ""} {
  set probe [socket -server list -myaddr 127.0.0.1 0]
  set port [lindex [fconfigure $probe -sockname] 2]
  close $probe
  set http [exec python3 -m http.server -b 127.0.0.1 -d $dir/run/www $port > $dir/run/www.log 2>@1 &]
  on_finish [list daemon_stop $http]
  wait_until {![catch {close [socket 127.0.0.1 $port]}]} 20000
  proc judge {} {
    catch {exec [go_cache]/client/prog http://127.0.0.1:$::port $::vkey << ""} out
    return $out
  }
  do_test files {judge} "$size $size"
  set file $dir/run/www/tile/entries/001
  set was [read_file $file]
  write_file $file [string replace $was 90 90 [binary format c [expr {[scan [string index $was 90] %c] ^ 1}]]]
  do_test files.changed {judge} {/FAILED/}
}
finish_test
