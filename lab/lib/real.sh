# SPDX-License-Identifier: Apache-2.0
# Real servers: one nginx in each.   /  its name    /health  200 OK or 503    /stream  minutes long    /bytes/SIZE  full speed

content() { # what all of them serve: made once for a lab
  local s w=$ST/site-www; mkdir -p "$w/bytes"
  # /stream: 16 bytes a line, each line the offset of its first byte, so a client can tell what it lost
  python3 -I -c 'import sys; sys.stdout.write("".join("%015d\n" % i for i in range(0, 16 << 20, 16)))' > "$w/stream"
  for s in 1K 64K 1M 10M 100M 1G; do truncate -s $s "$w/bytes/$s"; done; }

serve() { # NODE: starts its nginx
  local n=$1 D=$ST/$1
  mkdir -p "$D/log" "$D/tmp"; [ -e "$D/unhealthy" ] || : > "$D/healthy"
  cat > "$D/nginx.conf" <<N
user root;
worker_processes 1;
pid $D/nginx.pid;
error_log $D/log/error.log;
events { worker_connections 8192; }
http {
    access_log $D/log/access.log;
    default_type text/plain;
    keepalive_timeout 5;
    client_body_temp_path $D/tmp/body; proxy_temp_path $D/tmp/proxy; fastcgi_temp_path $D/tmp/fastcgi;
    uwsgi_temp_path $D/tmp/uwsgi; scgi_temp_path $D/tmp/scgi;
    server {
        listen 80 backlog=1024;
        root $ST/site-www;
        location = / { return 200 "$n\n"; }
        location = /health { if (!-f $D/healthy) { return 503 "sick\n"; } return 200 "OK\n"; }
        # 1 KiB each 50 ms
        location = /stream { limit_rate 20k; sendfile_max_chunk 1k; }
        location /bytes/ { sendfile on; }
    }
}
N
  inside "$n" nginx -c "$D/nginx.conf" -p "$D" -e "$D/log/error.log" || fail "$n: nginx did not start"; }
serving() { [ -e "$ST/$1/nginx.pid" ] && inside "$1" kill -0 "$(cat "$ST/$1/nginx.pid")" 2>/dev/null; }
unserve() { # NODE: stops its nginx at once; the node stays on and refuses connections
  local p; p=$(cat "$ST/$1/nginx.pid" 2>/dev/null) || return 0
  inside "$1" sh -c 'kill -TERM "$1" && while kill -0 "$1" 2>/dev/null; do sleep 0.02; done; :' sh "$p"; }

# --forwarding tun: an ipip device where the kernel has one, else a small process that unpacks the packets
tunnel() {
  inside "$1" ip link add name ipip0 type ipip local "10.77.0.$(host_of "$1")" 2>/dev/null && inside "$1" ip link set ipip0 up && return
  launch "decap.$1" "$ST/$1/log/decap.log" "$LIB/enter" "$(inner "$1")" "" "$LIB/decap" tun0; }
