# go.tcl - other people's Go programs and packages, built in the build folder from
# Go's module proxy.  Each of these gives "", or why there is none.

proc go_cache {} { file join $::env(builddir) interop-go }
proc go_run {dir args} {
  exec env -C $dir GOPATH=[go_cache] GOCACHE=[go_cache]/build GOFLAGS=-modcacherw\ -mod=mod GOWORK=off \
    timeout 600 go {*}$args 2>@1
}
proc last_line {text} { lindex [split [string trim [string map {"\nchild process exited abnormally" ""} $text]] \n] end }

# An unchanged program: go_program filippo.io/torchwood/cmd/litewitness v0.9.0
proc go_program {package version} {
  if {[auto_execok go] eq ""} { return "go is not installed" }
  file mkdir [go_cache]
  set name [file tail $package]
  set stamp [go_cache]/bin/$name-$version
  if {[file executable $stamp]} { return "" }
  if {[catch {go_run [go_cache] install $package@$version} why]} {
    return "go install $package@$version fails: [last_line $why]"
  }
  file rename -force [go_cache]/bin/$name $stamp
  return ""
}
# A program of ours around a package of theirs: go_build client.go {module version ...}
proc go_build {source modules} {
  if {[auto_execok go] eq ""} { return "go is not installed" }
  set dir [go_cache]/[file rootname $source]
  file mkdir $dir
  file copy -force [file join $::env(srcdir) tests interop $source] $dir/main.go
  set f [open $dir/go.mod w]
  puts $f "module interop\n\ngo 1.24"
  foreach {m v} $modules { puts $f "require $m $v" }
  close $f
  if {[catch {go_run $dir build -o prog .} why]} { return "$source does not build: [last_line $why]" }
  return ""
}
