# signing and key generation by group size, our arithmetic for public points against
# libsodium's alone: CPU time, medians.  The reference column is the same step of
# a careful C program on one 2.45 GHz EPYC core.  BENCH_SIZES gives other sizes.
source [file join $::env(srcdir) tests tester.tcl]
set reference {
  2.3    {round1 37 sign 75   sign-validating 265  aggregate 110  culprits 240  dkg 2800}
  3.5    {round1 37 sign 92   sign-validating 363  aggregate 145  culprits 300  dkg 4600}
  10.15  {round1 37 sign 206  sign-validating 1022 aggregate 264  culprits 670  dkg 16000}
  67.100 {round1 37 sign 1360 sign-validating 5100 aggregate 1680 culprits 4100 dkg 190000}
}
set sizes [expr {[info exists ::env(BENCH_SIZES)] ? $::env(BENCH_SIZES) : {2 3 3 5 10 15 67 100}}]
exec make -C $::env(builddir) frost_bench frost_bench_sodium >@stderr 2>@stderr
puts [format "%-10s %-16s %12s %14s %8s %12s %8s" group step "ours us" "libsodium us" ratio "reference us" ratio]
foreach {t n} $sizes {
  set fast [exec ./frost_bench time $t $n]
  set slow [exec ./frost_bench_sodium time $t $n]
  foreach {step us} $fast {
    set sodium [dict get $slow $step]
    set line [format "%-10s %-16s %12.0f %14.0f %8.2f" $t-of-$n $step $us $sodium [expr {$us / $sodium}]]
    if {[dict exists $reference $t.$n $step]} {
      set want [dict get $reference $t.$n $step]
      append line [format " %12.0f %8.2f" $want [expr {$us / $want}]]
    }
    puts $line
  }
}
