# litewitness.tcl - torchwood's litewitness, unchanged, is the witness of a real
# tlogd whose appends wait for it; a
# database that was put back gets no cosignature, and no append is answered.
# Needs Go's module proxy, sqlite3 and ssh-agent.
source [file join $::env(srcdir) tests tester.tcl]
source [file join $::env(srcdir) tests cluster.tcl]
source [file join $::env(srcdir) tests daemons.tcl]
source [file join $::env(srcdir) tests http.tcl]
source [file join $::env(srcdir) tests interop lib go.tcl]
test_file interop_litewitness
set version v0.9.0
set why [cluster_missing]
foreach tool {sqlite3 ssh-agent ssh-add ssh-keygen} {
  if {$why eq "" && [auto_execok $tool] eq ""} { set why "$tool is not installed" }
}
if {$why eq ""} { set why [go_program filippo.io/torchwood/cmd/litewitness $version] }
if {$why ne ""} { skip_test all $why; finish_test }
puts "# [exec go version], torchwood $version"

set dir [cluster_init]
set d [daemon_start tlogd $dir --tlog-http-bind 127.0.0.1:0]
set vkey [string trim [dict get [http_get [http_addr [dict get $d log]] /vkey] body]]
set origin [lindex [split $vkey +] 0]
do_test 1.1 {daemon_stop [dict get $d pid]} 1

# Its key lives in an agent, its logs in a database; witnessctl would write the
# same two rows.
set agent [test_dir]/a
set key $dir/run/witness_key
exec ssh-keygen -q -t ed25519 -N {} -f $key
set pid [exec ssh-agent -D -a $agent > /dev/null 2>@1 &]
on_finish [list daemon_stop $pid]
wait_until {![catch {exec env SSH_AUTH_SOCK=$agent ssh-add -q $key 2>@1}]} 20000
regexp {SHA256:\S+} [exec ssh-keygen -lf $key.pub] fingerprint
set db $dir/run/litewitness.db
exec sqlite3 $db "CREATE TABLE log(origin TEXT PRIMARY KEY, tree_size INTEGER NOT NULL, tree_hash TEXT NOT NULL);
  CREATE TABLE key(origin TEXT NOT NULL, key TEXT NOT NULL, FOREIGN KEY(origin) REFERENCES log(origin));
  INSERT INTO log VALUES('$origin',0,'47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=');
  INSERT INTO key VALUES('$origin','$vkey');"
set probe [socket -server list -myaddr 127.0.0.1 0]
set port [lindex [fconfigure $probe -sockname] 2]
close $probe
set out $dir/run/litewitness.log
set pid [exec [go_cache]/bin/litewitness-$version -name lite.test/w -db $db -ssh-agent $agent -key $fingerprint \
  -listen 127.0.0.1:$port > /dev/null 2> $out &]
on_finish [list daemon_stop $pid]
do_test 1.2 {wait_until {[regexp {vkey=(\S+)} [read_file $out] -> theirs] && ![catch {close [socket 127.0.0.1 $port]}]} 20000} 1

set policy "log $vkey\nwitness w $theirs http://127.0.0.1:$port\nquorum w\n"
write_file $dir/run/policy $policy
proc start {{wait 30000}} {
  set ::d [daemon_start tlogd $::dir --tlog-http-bind 127.0.0.1:0 --tlog-witness-policy $::dir/run/policy --tlog-witness-wait-ms $wait]
  set ::web [http_addr [dict get $::d log]]
  set ::n [node_open $::dir client participant [dict get $::d addr] tlogd]
}
proc entries {k} {
  lmap i [lrepeat $k 0] {entry_make [file join $::dir cad entry.key] cad service.started [ulid] [clock microseconds] 2 {{"x":1}}}
}
start
foreach k {1 2 200 700} {
  do_test append.$k {
    set r [node_call $n AppendBatch [dict create entries [entries $k]]]
    lrange [tlog_policy_check $policy [dict get $r checkpoint note]] 0 0
  } $origin
}
set size [lindex [split [dict get $r checkpoint note] \n] 1]
do_test shown {lindex [tlog_policy_check $policy [dict get [http_get $web /checkpoint] body]] 1} $size
do_test seen {exec sqlite3 $db "SELECT tree_size FROM log"} $size
do_test stop {daemon_stop [dict get $d pid]} 1
# The witness has seen more than a database that was put back has.
set copy $dir/run/copy
file mkdir $copy
foreach f [glob $dir/tlogd/log.*] { file copy $f $copy }
start
node_call $n AppendBatch [dict create entries [entries 5]]
do_test stop2 {daemon_stop [dict get $d pid]} 1
foreach f [glob $dir/tlogd/log.*] { file delete $f }
foreach f [glob $copy/log.*] { file copy $f $dir/tlogd }
start 3000
do_test rollback {
  list [catch {node_call $n Append [dict create entry [lindex [entries 1] 0]]}] \
    [wait_until {[string match "*lite.test/w: it cosigned another size*" [read_file [dict get $d log]]]} 30000]
} {1 1}
finish_test
