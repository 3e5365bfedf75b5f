# sim.tcl - the TEE simulator in tests.  Its root takes seconds to make (two
# RSA-4096 keys), so all tests of one build tree share one; a name asks for
# another one, of a manufacturer whom nobody trusts.
set ::sim_now 1795000000000000   ;# 2026-11-18, in microseconds

proc have_simulator {} { expr {[llength [info commands snp_sim]] > 0} }

# The shared root's directory, made by whoever comes first.
proc sim_root {{name sim-root}} {
  set dir [file join $::env(builddir) tests $name]
  if {![file exists $dir/ark.der]} {
    set tmp $dir.[pid]
    file mkdir $tmp
    file attributes $tmp -permissions 0700
    snp_sim root $tmp $::sim_now
    # A rename onto a directory that is not empty fails: the other one counts.
    if {[catch {file rename $tmp $dir}]} { file delete -force $tmp }
  }
  return $dir
}

# A fresh node under it; seed makes its chip id repeatable.
proc sim_node {dir seed {root sim-root}} {
  file mkdir $dir
  file attributes $dir -permissions 0700
  snp_sim node [sim_root $root] $dir $::sim_now $seed
  return $dir
}
