# SPDX-License-Identifier: Apache-2.0
# Processes of one lab. ST = its state folder. A process is remembered as "pid starttime" in $ST/pid.NAME, so that a
# stranger that got the same number later is never taken for ours.

say() { echo "lab: $*" >&2; }
fail() { say "$@"; return 1; }

starttime() { # PID -> the kernel's start time of a living process
  local s; s=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  set -- ${s##*) }; [ "$1" != Z ] && [ "$1" != X ] && echo "${20}"; }
remember() { local t; t=$(starttime "$2") && echo "$2 $t" > "$ST/pid.$1"; }      # NAME PID
pid() { local p t; read -r p t 2>/dev/null < "$ST/pid.$1" && [ "$(starttime "$p")" = "$t" ] && echo "$p"; }   # NAME
children() { cat "/proc/$1/task/$1/children" 2>/dev/null; }

# A daemon must not hold the caller's pipes open, or `lab up | tail` would never end.
closefds() { local f; for f in /proc/$BASHPID/fd/*; do f=${f##*/}; [ "$f" -gt 2 ] && eval "exec $f>&-" 2>/dev/null; done; :; }

# launch NAME OUTPUT COMMAND...: a process of the lab, in a session of its own; $LAUNCHED is its pid.
# It writes its own pid file and only then looks for $ST/up, which `down` removes before it reads the pid files: so an
# interrupt at any moment either stops it here or lets `down` find it.
launch() {
  local name=$1 output=$2; shift 2
  ( closefds; remember "$name" $BASHPID && [ -e "$ST/up" ] || exit 1; exec setsid "$@" ) </dev/null >"$output" 2>&1 &
  LAUNCHED=$!; disown; }

# slay NAME: a node's leader is `unshare`, whose child is PID 1 inside: when that dies the kernel kills everything in the
# node at once, and unshare ends after all are dead. Other processes have no child and are killed themselves.
slay() {
  local p c; p=$(pid "$1") || return 0
  c=$(children "$p"); kill -9 ${c:-$p} 2>/dev/null
  while pid "$1" >/dev/null; do sleep 0.01; done; }
