# SPDX-License-Identifier: Apache-2.0
# A server that misbehaves (see faults.py): the STATE is its mode; TARGET is the good server behind "dribble" and "unsaid".

faults_start() { # DIR ADDRESS PORT MODE [TARGET-ADDRESS TARGET-PORT]
  local dir=$1; shift
  local address=$1 port=$2 mode=$3; shift 3
  service_prepare "$dir" && : > "$dir/log" || return
  service_spawn "$dir" python3 -I "$SERVICES/faults.py" "$mode" "$address" "$port" "$@"
  service_await_line "$dir" ready; }
faults_stop() { service_stop "$1"; }
