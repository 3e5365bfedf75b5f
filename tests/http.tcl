# http.tcl - HTTP by hand, over a plain socket, so that a test can also send what
# no client would.

# Sends bytes, gives all that comes until the other side closes.
proc http_raw {addr bytes {ms 10000}} {
  regexp {^(.*):(\d+)$} $addr -> host port
  set s [socket $host $port]
  fconfigure $s -translation binary -blocking 0 -buffering none
  set ::http_data ""
  set ::http_done 0
  fileevent $s readable [list http_more $s]
  set timer [after $ms {set ::http_done late}]
  catch {puts -nonewline $s $bytes}
  vwait ::http_done
  after cancel $timer
  catch {close $s}
  return $::http_data
}
proc http_more {s} {
  if {[catch {read $s} more]} { set ::http_done 1; return }
  append ::http_data $more
  if {[eof $s]} { fileevent $s readable {}; set ::http_done 1 }
}

# status, headers (dict, lower case) and body of an answer.
proc http_parse {data} {
  set end [string first \r\n\r\n $data]
  if {$end < 0 || ![regexp {^HTTP/1\.[01] (\d+)} $data -> status]} { return {status 0 headers {} body {}} }
  set headers {}
  foreach line [lrange [split [string map {\r\n \n} [string range $data 0 $end-1]] \n] 1 end] {
    regexp {^([^:]+): *(.*)$} $line -> k v
    dict set headers [string tolower $k] $v
  }
  return [dict create status $status headers $headers body [string range $data $end+4 end]]
}

# http_ask ADDR METHOD PATH {header value ...} BODY
proc http_ask {addr method path {headers {}} {body ""}} {
  set q "$method $path HTTP/1.1\r\nHost: $addr\r\nConnection: close\r\n"
  foreach {k v} $headers { append q "$k: $v\r\n" }
  if {$body ne "" || $method eq "POST"} { append q "Content-Length: [string length $body]\r\n" }
  return [http_parse [http_raw $addr "$q\r\n$body"]]
}
proc http_get {addr path args} { http_ask $addr GET $path $args }

# Address in a daemon's log.
proc http_addr {log {ms 20000}} {
  set end [expr {[clock milliseconds] + $ms}]
  while {[clock milliseconds] < $end} {
    if {[file exists $log] && [regexp {http\.serving[^\n]* on ([0-9.:\[\]]+)} [read_file $log] -> a]} { return $a }
    after 20
  }
  error "no HTTP address in $log"
}
