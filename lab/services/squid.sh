# SPDX-License-Identifier: Apache-2.0
# Squid. Up: fetches any http:// URL, and tunnels https:// ones (CONNECT); the names of DIR/hosts are known to it.
# States: up; closed (every request is denied: 403).

squid_start() { # DIR ADDRESS PORT [up|closed]
  local dir=$1 address=$2 port=$3 state=${4:-up} rule=allow
  [[ $address == *:* ]] && address="[$address]"
  [ "$state" = closed ] && rule=deny
  service_prepare "$dir" && chown proxy "$dir" && touch "$dir/hosts" || return
  cat > "$dir/squid.conf" <<C
http_port $address:$port
http_access $rule all
cache deny all
cache_mem 1 MB
memory_pools off
access_log none
cache_log stdio:/dev/stderr
cache_store_log none
pid_filename none
coredump_dir $dir
hosts_file $dir/hosts
dns_nameservers 127.0.0.1
pinger_enable off
netdb_filename none
visible_hostname proxy.test
shutdown_lifetime 0 seconds
C
  service_spawn "$dir" squid -N -d 1 -n "vervet$port" -f "$dir/squid.conf"
  service_await "$dir" "$port"; }
squid_stop() { service_stop "$1"; }
