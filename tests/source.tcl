# source.tcl - what a test can say about C text without a compiler: which files
# there are, what they include, which names they use, how long they are.
#
# Every check takes the root of a tree and returns a list of
# "file:line: what is wrong"; an empty list is good.  layers.test and
# source.test run the checks on the project and on small trees with a fault.

# Relative names of the C files below dirs.
proc source_files {root {dirs {src tlog tools tests/fixture tests/adversary tests/fuzz}}} {
  set out {}
  foreach dir $dirs {
    foreach f [glob -nocomplain -directory $root/$dir -types f *.c *.h] {
      lappend out $dir/[file tail $f]
    }
    foreach sub [glob -nocomplain -directory $root/$dir -types d -tails *] {
      lappend out {*}[source_files $root $dir/$sub]
    }
  }
  return [lsort $out]
}

proc source_text {root file} {
  set f [open $root/$file r]
  fconfigure $f -encoding utf-8
  set text [read $f]
  close $f
  return $text
}

# The text with comments, and unless keep is true also string and character
# constants, turned to blanks; lines stay where they are.
proc code_only {text {keep 0}} {
  set re {/\*(?:[^*]|\*+[^*/])*\*+/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'}
  set out ""
  set at 0
  foreach pair [regexp -all -inline -indices $re $text] {
    lassign $pair from to
    append out [string range $text $at $from-1]
    set piece [string range $text $from $to]
    if {[string index $piece 0] eq "/" || !$keep} {
      regsub -all {[^\n]} $piece " " piece
    }
    append out $piece
    set at [expr {$to + 1}]
  }
  append out [string range $text $at end]
  return $out
}

# ---- who may know whom ----------------------------------------------------

set ::layer_allows {
  base         {}
  crypto       {base}
  tlog         {base}
  db           {base}
  http         {base crypto}
  send         {base crypto}
  pki          {base crypto}
  frost        {base crypto}
  attest       {base crypto}
  leaf         {base crypto tlog}
  session      {base crypto tlog leaf}
  trust        {base crypto tlog leaf pki attest frost}
  bundle       {base crypto tlog leaf pki attest frost trust}
  audit        {base crypto tlog leaf pki attest frost trust}
  evidence     {base crypto tlog leaf pki attest frost trust bundle audit export}
  export       {base crypto tlog leaf pki attest frost trust audit}
  rpc          {base crypto pki attest proto}
  service      {base crypto tlog leaf pki attest trust db rpc http proto}
  tlogd        {base crypto tlog leaf pki attest frost session trust bundle db rpc http service proto}
  authd        {base crypto tlog leaf pki attest frost session trust bundle db rpc http service proto}
  cad          {base crypto tlog leaf pki attest frost session trust bundle db rpc http service proto}
  coordinatord {base crypto tlog leaf pki attest frost session trust bundle db rpc http service proto}
  participant  {base crypto tlog leaf pki attest frost trust bundle db rpc proto}
  cli          {base crypto tlog leaf pki attest frost trust bundle export evidence db rpc service participant proto}
  tlog-verify  {base crypto tlog leaf pki attest frost trust bundle audit export evidence}
  tools        {base crypto tlog leaf pki attest frost trust bundle export send db rpc http proto}
}

# Single headers that are allowed besides: the daemons' client of the log is the
# participant's too, and believes nothing it is told.
set ::layer_exceptions {
  participant {service/log_client.h service/log_view.h service/receipt.h service/policy_watch.h}
}

# Which layers may include what does not belong to the project, and which files.
set ::layer_system {
  {^openssl/}               {crypto pki attest frost rpc send}     {^tlog/sha\.c$}
  {^sodium\.h$}             {crypto pki attest frost rpc}          {^tlog/(hash|note|sign)\.c$}
  {^grpc/}                  {rpc}                                  {}
  {^(microhttpd|zlib|curl/.*)\.h$} {http}                          {}
  {^sqlite3\.h$}            {db}                                   {^tlog/store_sql\w*\.[ch]$}
  {^(protobuf-c/.*|.*\.pb-c\.h)$}
     {rpc attest service tlogd authd cad coordinatord participant cli tools} {}
  {^(sys/(socket|un)\.h|netdb\.h|netinet/.*|arpa/.*|poll\.h|sys/epoll\.h)$}
     {rpc http send service tlogd authd cad coordinatord participant cli tools} {}
  {^archive(_entry)?\.h$}    {evidence}                             {}
  {^dlfcn\.h$}              {}                                     {}
  {^schema/[a-z0-9-]+\.sql\.h$} {db}                               {/(store\w*|outbox)\.c$}
  {^jansson\.h$}
     {base crypto pki attest frost leaf session trust bundle export rpc service tlogd authd cad
      coordinatord participant cli tools tlog-verify} {}
}

# Calls that show a library is used, whatever was included.
set ::layer_calls {
  {\msqlite3_[a-z0-9_]+}  {db}  {^tlog/store_sql\w*\.[ch]$}
  {\m(grpc|gpr)_[a-z0-9_]+\s*\(} {rpc} {}
}

proc layer_of {file} {
  if {[regexp {^tools/tlog-verify} $file]} { return tlog-verify }
  if {[regexp {^src/([^/]+)/} $file -> dir]} { return $dir }
  return [lindex [split $file /] 0]
}

# "" or what is wrong when file includes name.
proc include_fault {file quoted name} {
  set layer [layer_of $file]
  foreach {re layers files} $::layer_system {
    if {![regexp $re $name]} { continue }
    if {[string match *.pb-c.h $name] && ![string match "*pb-c*" $re]} { continue }
    if {$layer in $layers || ($files ne "" && [regexp $files $file])} { return "" }
    return "$layer may not include $name"
  }
  if {!$quoted || $name eq "config.h"} { return "" }
  if {![regexp {^([^/]+)/} $name -> other]} { return "include $name by its folder" }
  if {$other eq $layer || [string match tools/$layer/* $name]} { return "" }
  if {![dict exists $::layer_allows $layer]} { return "no rule for the layer $layer" }
  if {[dict exists $::layer_exceptions $layer] && $name in [dict get $::layer_exceptions $layer]} {
    return ""
  }
  if {$other ni [dict get $::layer_allows $layer]} { return "$layer may not include $name" }
  if {$layer eq "participant" && $other eq "db" && [file tail $file] ne "store.c"} {
    return "$layer may not include $name"
  }
  if {$layer in {tlogd authd cad coordinatord}} {
    set tail [file tail $file]
    if {$tail in {service.c service.h store.c store.h} && $other eq "rpc"} {
      return "$tail may not include $name"
    }
    if {$tail in {service.c service.h} && $other eq "db"} { return "$tail may not include $name" }
  }
  return ""
}

proc layer_faults {root} {
  set out {}
  foreach file [source_files $root {src tlog tools}] {
    set text [source_text $root $file]
    set n 0
    foreach line [split [code_only $text 1] \n] {
      incr n
      if {![regexp {^\s*#\s*include\s+([<"])([^>"]+)[>"]} $line -> mark name]} { continue }
      set fault [include_fault $file [expr {$mark eq "\""}] $name]
      if {$fault ne ""} { lappend out "$file:$n: $fault" }
    }
    set layer [layer_of $file]
    foreach {re layers files} $::layer_calls {
      if {$layer in $layers || ($files ne "" && [regexp $files $file])} { continue }
      lappend out {*}[name_faults $file $text $re "$layer may not use %s"]
    }
  }
  return $out
}

# ---- words ----------------------------------------------------------------

# Every place in the code of text where re stands; %s in message is the match.
proc name_faults {file text re message} {
  set out {}
  set code [code_only $text]
  if {![regexp $re $code]} { return {} }
  set n 0
  foreach line [split $code \n] {
    incr n
    foreach hit [regexp -all -inline -- "(?:$re)" $line] {
      lappend out "$file:$n: [format $message [string trimright $hit "( "]]"
    }
  }
  return $out
}

# Names that are called nowhere, and names that only some files may call.  What
# only reads a C string (strlen, strcmp, memcmp ...) is counted by ./dev lint.
set ::banned_anywhere {strcpy stpcpy strcat strncpy strncat sprintf vsprintf gets strtok
  alloca system popen rand srand random srandom drand48 rand_r atoi atol atoll mktemp tmpnam
  tempnam asctime ctime gmtime localtime setjmp longjmp vfork memfrob dlopen}
set ::banned_calls [list \
  [join $::banned_anywhere |]                            {^$} \
  dlsym                                                  {^tests/adversary/unpatched_sodium\.c$} \
  {str(?:dup|ndup|sep|lcpy|lcat|xfrm|coll|casecmp)|mem(?:cpy|move|set|pcpy|ccpy)|bcopy|bzero} \
                                                         {^(src/base/|tests/)} \
  {time|gettimeofday|clock_gettime|ftime}                {^(src/base/|tests/|.*/main\.c$)} \
  {getenv|secure_getenv}                                 {^(src/base/|tests/|.*/main\.c$)}]

proc call_faults {root} {
  set out {}
  foreach file [source_files $root] {
    set text [source_text $root $file]
    foreach {names allowed} $::banned_calls {
      if {[regexp $allowed $file]} { continue }
      lappend out {*}[name_faults $file $text "\\m(?:$names)\\s*\\(" "do not call %s"]
    }
    lappend out {*}[assert_faults $file $text]
    lappend out {*}[name_faults $file $text {^\s*#\s*if\s+0\M} "no dead code: %s"]
  }
  return [lsort -unique $out]
}

# Calls that read a C string or bare memory outside src/base.
proc string_reads {root} {
  set out {}
  foreach file [source_files $root {src tlog tools}] {
    if {[string match src/base/* $file]} { continue }
    lappend out {*}[name_faults $file [source_text $root $file] \
      {\m(?:str[a-z]+|mem(?:cmp|chr|mem))\s*\(} "calls %s"]
  }
  return $out
}

# An assert whose argument changes something.
proc assert_faults {file text} {
  set out {}
  set n 0
  foreach line [split [code_only $text] \n] {
    incr n
    if {![regexp {\massert\s*\((.*)\)\s*;} $line -> arg]} { continue }
    if {[regexp {\+\+|--|[^=!<>]=[^=]} " $arg "]} {
      lappend out "$file:$n: an assert may not change anything"
    }
  }
  return $out
}

# ---- comments -------------------------------------------------------------

proc comment_faults {root} {
  set out {}
  foreach file [source_files $root] {
    set text [source_text $root $file]
    set name [file tail $file]
    if {[string first "/* $name - " $text] != 0} {
      lappend out "$file:1: the file must begin with \"/* $name - \""
    }
    set n 0
    foreach line [split $text \n] {
      incr n
      if {[regexp {\m(TODO|FIXME|XXX|HACK)\M} $line word]} {
        lappend out "$file:$n: no $word"
      }
    }
    if {[string match *.h $name]} { lappend out {*}[header_faults $file $text] }
  }
  return $out
}

# A header has a guard, and every function declared in it a comment in its
# paragraph.  What stands inside braces is not a declaration of ours.
proc header_faults {file text} {
  set out {}
  if {![regexp {\n#ifndef (\w+_H_?)\n#define \1\n} $text]} {
    lappend out "$file:1: no include guard"
  }
  set n 0
  set depth 0
  set commented 0
  set bare {}
  foreach raw [split $text\n\n \n] code [split [code_only $text\n\n] \n] {
    incr n
    if {[string trim $raw] eq ""} {
      if {!$commented} { lappend out {*}$bare }
      set commented 0
      set bare {}
      continue
    }
    if {[string first "/*" $raw] >= 0} { set commented 1 }
    if {$depth == 0 && [regexp {^[a-z_][^#=]*\(} $code] &&
        ![regexp {^(typedef|static|extern "C")} $code]} {
      lappend bare "$file:$n: a declared function needs a comment"
    }
    incr depth [expr {[regexp -all {\{} $code] - [regexp -all {\}} $code]}]
    if {[regexp {extern "C" \{} $raw]} { incr depth -1 }
    if {$depth < 0} { set depth 0 }
  }
  return $out
}

# A test file begins with two sentences under its own name.
proc test_header_faults {root} {
  set out {}
  foreach dir [glob -nocomplain -directory $root/tests -types d -tails *] {
    foreach f [lsort [glob -nocomplain -directory $root/tests/$dir -tails *.test]] {
      set head ""
      foreach line [split [source_text $root tests/$dir/$f] \n] {
        if {![regexp {^#\s?(.*)$} $line -> more]} { break }
        append head " " $more
      }
      if {[string first " $f - " $head] != 0 || [regexp -all {[.:;](?=\s|$)} $head] < 2} {
        lappend out "tests/$dir/$f:1: begin with \"# $f - \" and two sentences: what it proves, how"
      }
    }
  }
  return $out
}

# ---- lengths --------------------------------------------------------------

# Functions and files longer than the law allows.  A function is counted from
# the line of its name to the brace that closes it in column 0.
proc length_faults {root {fn_max 70} {file_max 800}} {
  set out {}
  foreach file [source_files $root] {
    set lines [split [source_text $root $file] \n]
    set total [expr {[llength $lines] - 1}]
    if {$total > $file_max} { lappend out "$file:1: $total lines, at most $file_max" }
    set n 0
    set head 0
    foreach line $lines {
      incr n
      if {[regexp {^[A-Za-z_].*\(} $line]} { set head $n }
      if {$line eq "\}" && $head > 0} {
        set len [expr {$n - $head + 1}]
        if {$len > $fn_max} { lappend out "$file:$head: function of $len lines, at most $fn_max" }
        set head 0
      }
    }
  }
  return $out
}

# ---- schema ---------------------------------------------------------------

proc schema_faults {root} {
  set out {}
  foreach f [lsort [glob -nocomplain -directory $root/schema -tails *.sql]] {
    set n 0
    foreach line [split [source_text $root schema/$f] \n] {
      incr n
      regsub -- {--.*$} $line "" line
      if {[regexp -nocase {\mcreate\s+(temp\s+|temporary\s+)?trigger\M} $line]} {
        lappend out "schema/$f:$n: no triggers"
      }
    }
  }
  return $out
}
