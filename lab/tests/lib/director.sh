# SPDX-License-Identifier: Apache-2.0
# Sourced by guest tests of ldirectord: a director (the guest itself) in front of three real servers with nginx in a namespace.
# 10.1.0.1 to 10.1.0.3 and 2001:db8::1 to ::3, ports 80 and 8080; /alive.html answers "alive N", or 404 after `sick N`.
[ -e /proc/net/ip_vs ] || { echo "no IPVS here: run it with lab/lab guest" >&2; exit 1; }
OURS=${LDIRECTORD:-$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../.." && pwd)/.build/release/ldirectord}
W=$(mktemp -d /tmp/director.XXXXXX) || exit 1
passed=0; failed=0
PID=/var/run/ldirectord.t.cf.pid; SOCK=/run/vervet/ldirectord.t.cf.sock
cleanup() { "$OURS" "$W/t.cf" stop >/dev/null 2>&1; kill "$(cat "$W/nginx.pid" 2>/dev/null)" 2>/dev/null; cd /; rm -rf "$W"; }
trap cleanup EXIT
pass() { passed=$((passed + 1)); echo "ok      $*"; }
fail() { failed=$((failed + 1)); echo "FAILED  $*"; }
check() { local name=$1; shift
  if "$@"; then pass "$name"; else fail "$name"; table | head -20 | sed 's/^/          /'; tail -8 "$W/log" | sed 's/^/          /'; fi; }
finish() { echo "$passed passed, $failed failed in $((($(uptime_ms) - began) / 1000)) s"; [ $failed = 0 ]; }
table() { ipvsadm -Sn | sort; }
has() { table | grep -qF -- "$1"; }
hasnt() { ! has "$1"; }
same() { [ "$1" = "$2" ] || { echo "'$1' instead of '$2'"; false; }; }
said() { grep -qF -- "$1" "$W/log"; }
uptime_ms() { local up rest; read -r up rest < /proc/uptime; echo $((10#${up/./} * 10)); }
began=$(uptime_ms)
section() { echo "== $* ($((($(uptime_ms) - began) / 1000)) s)"; }
within() { # SECONDS CMD… : true as soon as CMD is. The boot's clock, as tests set the other one.
  local end=$(($(uptime_ms) + $1 * 1000)); shift
  until "$@"; do [ "$(uptime_ms)" -lt $end ] || return 1; sleep 0.05; done; }
ask() { python3 -c 'import socket,sys
s=socket.socket(socket.AF_UNIX); s.settimeout(5); s.connect(sys.argv[1]); s.sendall(sys.argv[2].encode()+b"\n")
while (d := s.recv(65536)): sys.stdout.write(d.decode())' "$SOCK" "$1"; }
well() { local i; for i in "$@"; do echo "alive $i" > "$W/root/$i/alive.html"; done; }
sick() { local i; for i in "$@"; do rm -f "$W/root/$i/alive.html"; done; }
# begin <CONFIGURATION : starts on an empty table. Checks are every quarter of a second, and those of IPv4 addresses ask for alive.html.
begin() {
  ipvsadm -C; : > "$W/log"
  { printf 'checkinterval=0.25\nchecktimeout=2\nnegotiatetimeout=2\nlogfile="%s"\n' "$W/log"
    awk '{ print } /^virtual=.*:/ { print "\trequest=\"alive.html\"" }'; } > "$W/t.cf"
  "$OURS" "$W/t.cf" start || { fail "start"; cat "$W/log"; }; }
end() { "$OURS" "$W/t.cf" stop || fail "stop"; [ ! -e "$PID" ] || fail "the pid file is left"; rm -f /run/vervet/*.orders; }

ip netns add reals; ip link add d0 type veth peer name r0 netns reals
ip addr add 10.1.0.254/24 dev d0; ip addr add 2001:db8::fe/64 dev d0 nodad; ip link set d0 up
ip -n reals link set lo up; ip -n reals link set r0 up
for i in 1 2 3; do
  ip -n reals addr add 10.1.0.$i/24 dev r0; ip -n reals addr add 2001:db8::$i/64 dev r0 nodad; mkdir -p "$W/root/$i"; well $i; done
{ echo "pid $W/nginx.pid; error_log /dev/null; worker_processes 1; user root; events {}
http { access_log off; client_body_temp_path $W/t1; proxy_temp_path $W/t2; fastcgi_temp_path $W/t3; uwsgi_temp_path $W/t4; scgi_temp_path $W/t5;"
  for i in 1 2 3; do echo "server { listen 10.1.0.$i:80; listen 10.1.0.$i:8080; listen [2001:db8::$i]:80; root $W/root/$i; }"; done
  echo "}"; } > "$W/nginx.conf"
ip netns exec reals nginx -c "$W/nginx.conf"
