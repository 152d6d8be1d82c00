# SPDX-License-Identifier: Apache-2.0
# Throw-away servers for tests: what the recipes beside this file have in common.
#
# Each recipe NAME.sh defines
#   NAME_start DIR ADDRESS PORT [STATE]   starts the server in the current network namespace and returns when it listens (status
#                                         1 and the end of its log when it does not); everything it writes is in DIR
#   NAME_stop DIR                         ends it and all its processes
# STATE is "up" unless the recipe names others; which check is "up" on it stands at the head of the recipe, too.
# Root is needed. Nothing of the system's own services and their files is used or changed.
#
#   . lab/services/common.sh; services_load slapd named
#   slapd_start /tmp/x/slapd 127.0.0.1 389; ...; slapd_stop /tmp/x/slapd

SERVICES=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# What all servers believe.
SERVICE_USER=checker SERVICE_PASSWORD=sesame-4711 SERVICE_OTHER_PASSWORD=mustard-0815

services_load() { local n; for n; do . "$SERVICES/$n.sh" || return; done; }

service_prepare() { # DIR: makes it, readable for the users that servers change to
  mkdir -p "$1" && chmod 755 "$1"; }

# With SERVICE_CACHE, a folder, what a database needs to start at all is made once and copied from then on: seconds each time.
# Servers that start side by side wait for the one that makes it.
service_cached() { # NAME DIR COMMAND...: DIR as COMMAND makes it
  local name=$1 dir=$2 saved lock; shift 2
  rm -rf "$dir"
  [ -n "${SERVICE_CACHE:-}" ] || { "$@"; return; }
  saved=$SERVICE_CACHE/$name
  mkdir -p "$SERVICE_CACHE" && exec {lock}> "$SERVICE_CACHE/$name.lock" && flock "$lock" || return
  if [ ! -d "$saved" ]; then
    "$@" && rm -rf "$saved.new" && cp -a "$dir" "$saved.new" && mv "$saved.new" "$saved" || { exec {lock}>&-; return 1; }
  fi
  exec {lock}>&-
  [ -d "$dir" ] || cp -a "$saved" "$dir"; }

service_spawn() { # DIR COMMAND...: runs it in a session of its own, its output in DIR/log
  local dir=$1; shift
  setsid "$@" >> "$dir/log" 2>&1 < /dev/null &
  echo $! > "$dir/pid"
  # The shell has nothing to say about its end.
  disown $!; }

# A process that has ended but that nobody collects does not count: in a lab guest the first process collects none.
service_group() { # PROCESS-GROUP: whether any of its processes lives
  local file line words
  for file in /proc/[0-9]*/stat; do
    read -r line 2> /dev/null < "$file" || continue
    read -ra words <<< "${line##*) }"
    [ "${words[2]}" = "$1" ] && [[ ${words[0]} != [ZX] ]] && return
  done
  return 1; }

service_alive() { # DIR
  local p line; p=$(cat "$1/pid" 2>/dev/null) && read -r line 2> /dev/null < "/proc/$p/stat" && [[ ${line##*) } != [ZX]* ]]; }

service_await() { # DIR PORT [tcp|udp]: until something listens there
  local dir=$1 port=$2 kind=${3:-tcp} i
  for ((i = 0; i < 600; i++)); do
    [ -n "$(ss -Hln --"$kind" "sport = :$port")" ] && return
    service_alive "$dir" || break
    sleep 0.05
  done
  echo "$dir: the server does not listen on $kind port $port:" >&2; tail -n 5 "$dir/log" >&2
  service_stop "$dir"; return 1; }

service_await_line() { # DIR TEXT: until the server has written this to its log
  local dir=$1 text=$2 i
  for ((i = 0; i < 600; i++)); do
    grep -qF "$text" "$dir/log" && return
    service_alive "$dir" || break
    sleep 0.05
  done
  echo "$dir: the server does not write \"$text\":" >&2; tail -n 5 "$dir/log" >&2
  service_stop "$dir"; return 1; }

service_stop() { # DIR
  local p i; p=$(cat "$1/pid" 2>/dev/null) || return 0
  kill -TERM -- "$p" 2>/dev/null
  for ((i = 0; i < 100; i++)); do service_group "$p" || break; sleep 0.05; done
  kill -KILL -- "-$p" 2>/dev/null
  while service_group "$p"; do sleep 0.02; done
  rm -f "$1/pid"; }

service_certificate() { # DIR: key.pem and cert.pem for CN=server.test
  [ -e "$1/cert.pem" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
    -subj /CN=server.test -addext subjectAltName=DNS:server.test -keyout "$1/key.pem" -out "$1/cert.pem" 2> /dev/null; }
