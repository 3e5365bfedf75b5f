# rpc.tcl - helpers of the rpc tests.

# A channel to a server of this process, without TLS.
proc channel {server args} {
  return [rpc_channel [list target 127.0.0.1:[rpc_port $server] {*}$args]]
}

# Runs script until it gives value, for at most 5 s; the last value.
proc eventually {value script} {
  for {set i 0} {$i < 500} {incr i} {
    set got [uplevel 1 $script]
    if {$got eq $value} { return $got }
    after 10
  }
  return $got
}

proc between {lo x hi} { return [expr {$lo <= $x && $x <= $hi}] }

# Every element of a stream until its end; "end" or the error's name comes last.
proc read_all {stream {ms 5000}} {
  set out {}
  while 1 {
    if {[catch {rpc_next $stream $ms} got opts]} {
      lappend out [lindex [dict get $opts -errorcode] 1]
      break
    }
    lappend out $got
    if {$got eq "end" || $got eq "nothing"} { break }
  }
  return $out
}

# ---- protobuf's wire form, by its definition ----

proc varint {v} {
  set out ""
  while {$v >= 128} {
    append out [format %c [expr {$v & 127 | 128}]]
    set v [expr {$v >> 7}]
  }
  return $out[format %c $v]
}
# A length-delimited field, and a varint field.
proc pb_bytes {id data} { return [varint [expr {$id << 3 | 2}]][varint [string length $data]]$data }
proc pb_int {id v} { return [varint [expr {$id << 3}]][varint $v] }

# ---- HTTP/2 frames (RFC 9113 4.1) ----

proc frame {type flags stream payload} {
  set n [string length $payload]
  return [binary format cSccI [expr {$n >> 16}] [expr {$n & 65535}] $type $flags $stream]$payload
}
set h2_preface "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n[frame 4 0 0 {}]"
# A header field that no table keeps; both parts shorter than 127 bytes.
proc h2_field {name value} {
  return \x00[binary format c [string length $name]]$name[binary format c [string length $value]]$value
}
# HEADERS of a gRPC call, with further fields.
proc h2_call {stream path {more ""}} {
  frame 1 4 $stream \x83\x87[h2_field :path $path][h2_field :authority localhost][h2_field te trailers][h2_field content-type application/grpc]$more
}

# ---- certificates, made by the openssl command ----

proc openssl {args} {
  if {[catch {exec openssl {*}$args 2>@1} out]} { error "openssl $args: $out" }
  return $out
}

# dir/NAME.pem and dir/NAME.key of a new CA.
proc make_ca {dir name} {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj "/CN=$name" -keyout $dir/$name.key -out $dir/$name.pem \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
  file attributes $dir/$name.key -permissions 0600
}

# dir/NAME.pem and dir/NAME.key issued by dir/CA; algorithm as openssl names it.
proc make_cert {dir ca name {san ""} {algorithm "ec -pkeyopt ec_paramgen_curve:P-256"}} {
  if {$san eq ""} { set san DNS:localhost,IP:127.0.0.1,URI:quorate://node/$name }
  openssl req -new -newkey {*}$algorithm -nodes -subj "/CN=$name" \
    -keyout $dir/$name.key.new -out $dir/$name.csr
  write_file $dir/$name.ext "subjectAltName=$san\nextendedKeyUsage=serverAuth,clientAuth\n"
  openssl x509 -req -in $dir/$name.csr -CA $dir/$ca.pem -CAkey $dir/$ca.key -days 1 \
    -CAcreateserial -extfile $dir/$name.ext -out $dir/$name.pem.new
  file attributes $dir/$name.key.new -permissions 0600
  file rename -force $dir/$name.key.new $dir/$name.key
  file rename -force $dir/$name.pem.new $dir/$name.pem
}

proc tls_of {dir ca name} {
  return [list cert $dir/$name.pem key $dir/$name.key ca $dir/$ca.pem]
}

# SHA-256 of a certificate's SubjectPublicKeyInfo, by openssl.
proc spki_of {pem} {
  set pub [openssl x509 -in $pem -noout -pubkey]
  set der [binary decode base64 [string map {"-----BEGIN PUBLIC KEY-----" "" "-----END PUBLIC KEY-----" ""} $pub]]
  return [binary encode hex [sha256_of $der]]
}
proc sha256_of {data} {
  set f [file tempfile path]
  fconfigure $f -translation binary
  puts -nonewline $f $data
  close $f
  set hex [lindex [split [openssl dgst -sha256 -r $path]] 0]
  file delete $path
  return [binary decode hex $hex]
}
