# SPDX-License-Identifier: Apache-2.0
# Kamailio: SIP over UDP and TCP on PORT. Up: OPTIONS is answered with 200.
# States: up; busy (503 for everything); provisional (100 first, then 200).

kamailio_start() { # DIR ADDRESS PORT [up|busy|provisional]
  local dir=$1 address=$2 port=$3 state=${4:-up} answer='sl_send_reply("200", "OK");'
  [[ $address == *:* ]] && address="[$address]"
  case $state in
    busy) answer='sl_send_reply("503", "Busy");';;
    provisional) answer='sl_send_reply("100", "Trying"); sl_send_reply("200", "OK");';;
  esac
  service_prepare "$dir" || return
  cat > "$dir/kamailio.cfg" <<C
#!KAMAILIO
debug=1
log_stderror=yes
children=1
tcp_children=1
auto_aliases=no
dns=no
rev_dns=no
listen=udp:$address:$port
listen=tcp:$address:$port
loadmodule "sl.so"
request_route {
    $answer
}
C
  service_spawn "$dir" kamailio -DD -E -m 16 -M 4 -Y "$dir" -f "$dir/kamailio.cfg"
  service_await "$dir" "$port" udp && service_await "$dir" "$port"; }
kamailio_stop() { service_stop "$1"; }
