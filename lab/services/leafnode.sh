# SPDX-License-Identifier: Apache-2.0
# Leafnode, a small news server (NNTP). Up: the greeting begins with 2.
# States: up; broken (its host has no name of its own: greeting 503).

leafnode_start() { # DIR ADDRESS PORT [up|broken]
  local dir=$1 address=$2 port=$3 state=${4:-up} family=4 name=news.vervet-lab.org
  [[ $address == *:* ]] && family=6 address="[$address]"
  service_prepare "$dir" || return
  printf '%s\n' "server = news.test" "expire = 20" > "$dir/config"; chmod 644 "$dir/config"
  # It insists on a host with a name that could be in the world's news.
  [ "$state" = broken ] && name=news
  service_spawn "$dir" unshare --uts sh -c 'echo "$1" > /proc/sys/kernel/hostname && shift && exec "$@"' sh "$name" \
    socat "TCP$family-LISTEN:$port,bind=$address,reuseaddr,fork" \
    "EXEC:setpriv --reuid news --regid news --clear-groups leafnode -F $dir/config,nofork"
  service_await "$dir" "$port"; }
leafnode_stop() { service_stop "$1"; }
