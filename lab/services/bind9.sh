# SPDX-License-Identifier: Apache-2.0
# BIND 9, UDP and TCP. Up: request www.vervet.test (A 10.7.0.1 10.7.0.2, AAAA 2001:db8::7), six.vervet.test (AAAA only),
#         alias.vervet.test (CNAME to www), 10.7.0.1 (PTR www.vervet.test), 2001:db8::7 (PTR too), vervet.test (NS SOA MX TXT),
#         many.vervet.test (90 addresses: does not fit into a datagram).
# States: up; empty (the zones hold no host: NXDOMAIN); broken (the zone does not load: SERVFAIL); refused (queries are refused).

bind9_start() { # DIR ADDRESS PORT [up|empty|broken|refused]
  local dir=$1 address=$2 port=$3 state=${4:-up} v4=none v6=none i allow=any
  if [[ $address == *:* ]]; then v6=$address; else v4=$address; fi
  [ "$state" = refused ] && allow=none
  service_prepare "$dir" || return
  cat > "$dir/named.conf" <<C
options {
    directory "$dir"; pid-file "$dir/server.pid"; session-keyfile "$dir/session.key"; managed-keys-directory "$dir";
    listen-on port $port { $v4; }; listen-on-v6 port $port { $v6; };
    recursion no; dnssec-validation no; notify no; allow-query { $allow; }; minimal-responses yes;
    max-cache-size 2m;
};
controls { };
zone "vervet.test" { type primary; file "zone"; };
zone "0.7.10.in-addr.arpa" { type primary; file "reverse"; };
zone "8.b.d.0.1.0.0.2.ip6.arpa" { type primary; file "reverse6"; };
C
  local head='$TTL 60
@ SOA ns.vervet.test. admin.vervet.test. 7 3600 600 86400 60
@ NS ns.vervet.test.'
  { echo "$head"; echo "@ MX 10 mail.vervet.test."; echo '@ TXT "state=alive" "; second"'; echo "ns A 10.7.0.3"
    [ "$state" = empty ] || { printf '%s\n' "www A 10.7.0.1" "www A 10.7.0.2" "www AAAA 2001:db8::7" "six AAAA 2001:db8::6" \
      "alias CNAME www" "dangling CNAME nowhere"; for ((i = 1; i <= 90; i++)); do echo "many A 10.8.0.$i"; done; }
  } > "$dir/zone"
  [ "$state" = broken ] && echo "this is no record" >> "$dir/zone"
  { echo "$head"; [ "$state" = empty ] || echo "1 PTR www.vervet.test."; } > "$dir/reverse"
  { echo "$head"; [ "$state" = empty ] || echo "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR www.vervet.test."; } > "$dir/reverse6"
  # A copy: AppArmor keeps the installed program to the system's own folders.
  cp /usr/sbin/named "$dir/named" || return
  service_spawn "$dir" "$dir/named" -g -n 1 -c "$dir/named.conf" -D vervet-lab
  service_await_line "$dir" "all zones loaded" && service_await "$dir" "$port"; }
bind9_stop() { service_stop "$1"; }
