# SPDX-License-Identifier: Apache-2.0
# The site: nodes, switches, cables. Everything lives in network namespaces without names, held by processes of the lab.
#
# Switches are bridges in the namespace of `sw`: br-public, br-crossover, br-inside, and br-power (management and power
# switch, never seen by a director's own network). Port NODE-K is the switch's end of a node's ethK.

LINKS=(public crossover inside)
nodes() { local i; for ((i = 1; i <= DIRECTORS; i++)); do echo d$i; done; for ((i = 1; i <= REAL; i++)); do echo rs$i; done; echo client; }
directors() { nodes | grep '^d'; }
known() { [ "$1" = sw ] || nodes | grep -qx -- "$1"; }
links_of() { case $1 in d*) echo 0 1 2;; rs*) echo 0 2;; *) echo 0;; esac; }
host_of() { case $1 in d*) echo "1${1#d}";; rs*) echo "2${1#rs}";; client) echo 200;; esac; }   # last byte of its addresses
mac_of() { printf '02:77:00:00:%02x:%02x' "$2" "$(host_of "$1")"; }                              # NODE K; the same after a reboot
uml() { [ "$ENGINE" = uml ] && [[ $1 = d* ]]; }
on() { [ "$1" != sw ] && pid "$1" >/dev/null; }
nets() { nsenter -t "$(pid sw)" --net -- "$@"; }                  # a command in the switches' network namespace
inner() { local c; c=$(children "$(pid "$1")"); echo "${c%% *}"; } # PID 1 of a node, as this machine numbers it

link_number() { # public|crossover|inside|ethK -> K
  local k; for k in 0 1 2; do [ "$1" = "${LINKS[k]}" ] || [ "$1" = eth$k ] && { echo $k; return; }; done
  fail "no link '$1': use public, crossover or inside (or eth0, eth1, eth2)"; }

# inside NODE COMMAND...: arguments, streams and exit status are the command's own; 97: the node is off, or went off.
# REPLACE=exec: in the place of this shell, so that a signal to the lab reaches the command.
inside() {
  local n=$1 p; shift
  p=$(pid "$n") || { say "$n is off"; return 97; }
  if uml "$n"; then ${REPLACE:-} nsenter -t "$(pid sw)" --net -- "$LIB/ask" "10.77.9.$(host_of "$n")" 7 "$p" "$@"
  else ${REPLACE:-} "$LIB/enter" "$(inner "$n")" "$([[ $n = d* ]] && echo director)" "$@"; fi; }

fabric() { # the switches and the upstream router
  local l i
  mkdir -p "$ST/sw"; rm -f "$ST/sw/ready"; launch sw "$ST/sw/init.log" unshare -m -u -n -p --fork --kill-child=KILL "$LIB/node-init" sw "$ST/sw" switch
  settled sw "$LAUNCHED" || return
  { echo "link set lo up"; for l in public crossover inside power; do
      echo "link add name br-$l type bridge forward_delay 0 mcast_snooping 0"; echo "link set br-$l up"; done
    echo "address add 10.77.9.254/24 dev br-power"
    # The router hangs on a port of its own: what a bridge itself sends would pass a cut cable.
    echo "link add name router type veth peer name router-0"
    echo "link set router-0 master br-public up"; echo "link set router up"; echo "address add 10.77.0.254/24 dev router"
    if [ "$ENGINE" = uml ]; then   # a guest's ports are taps, made beforehand: they outlive it
      for ((i = 1; i <= DIRECTORS; i++)); do
        for l in 0:public 1:crossover 2:inside 3:power; do
          echo "tuntap add d$i-${l%:*} mode tap vnet_hdr"; echo "link set d$i-${l%:*} master br-${l#*:} up"; done
        echo "link set d$i-3 type bridge_slave isolated on"; done
    fi
  } | nets ip -batch - || return
  nets sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.rp_filter=0
  launch power "$ST/sw/power.log" nsenter -t "$(pid sw)" --net -- "$LIB/power" 10.77.9.254 7 "$ST"; }

network_of() { # NODE -> `ip -batch` file that the node runs at its boot
  local n=$1 k i
  echo "link set lo up"
  for k in $(links_of "$n"); do echo "address add 10.77.$k.$(host_of "$n")/24 brd + dev eth$k"; echo "link set eth$k up"; done
  case $n in
    rs*) # masqueraded requests arrive on the inside address; their replies must go back through the active director
      echo "rule add from 10.77.2.$(host_of "$n") table 100"
      echo "route add 10.77.2.0/24 dev eth2 table 100"; echo "route add default via 10.77.2.1 table 100"
      echo "route add default via 10.77.0.254"
      case $FORWARDING in dr|tun) echo "address add 10.77.0.100/32 dev lo";; esac;;
    *) echo "route add default via 10.77.0.254";;
  esac; }

# plug NODE: (re)connects a namespace node: new veth pairs, and the cuts that were in force while it was off
plug() {
  local n=$1 k p; p=$(inner "$n")
  # A killed node's kernel side is cleared away some time after its death: its ports may still be there.
  for k in $(links_of "$n"); do echo "link delete $n-$k"; done | nets ip -force -batch - 2>/dev/null
  for k in $(links_of "$n"); do
    echo "link add name $n-$k type veth peer name eth$k address $(mac_of "$n" "$k") netns $p"
    echo "link set $n-$k master br-${LINKS[k]} up"; done | nets ip -batch -; }
settled() { # NODE PID: until its PID 1 has done its work
  local n=$1 p=$2 plugged=
  for _ in {1..1500}; do
    [ -e "$ST/$n/ready" ] && return 0
    [ -z "$plugged" ] && [ -e "$ST/$n/wants-cables" ] && { plugged=1; plug "$n" || return; }
    [ -e "/proc/$p" ] || break; sleep 0.01; done
  cat "$ST/$n/init.log" >&2; fail "$n did not come up"; }

boot() { # NODE: switches it on; nothing of the cluster stack yet
  local n=$1 k
  on "$n" && { fail "$n is on already"; return; }
  mkdir -p "$ST/$n/log"; rm -f "$ST/$n"/{ready,wants-cables,frozen}
  network_of "$n" > "$ST/$n/network"
  case $n in
    d*) director_files "$n"
        # hostfs makes files as root whatever the guest's user: Pacemaker's own must exist with the right owner
        mkdir -p "$ST/$n/log"/{corosync,pacemaker,crmsh}
        chown hacluster:haclient "$ST/$n/log/pacemaker"; chmod 770 "$ST/$n/log/pacemaker"
        ( umask 007; : >> "$ST/$n/log/pacemaker/pacemaker.log"; chown hacluster:haclient "$ST/$n/log/pacemaker/pacemaker.log" );;
  esac
  if uml "$n"; then boot_guest "$n" || return
  else
    launch "$n" "$ST/$n/init.log" unshare -m -u -i -n -p --fork --kill-child=KILL \
      "$LIB/node-init" "$n" "$ST/$n" "$([[ $n = d* ]] && echo director || echo plain)" "$(pid sw)" "${INSTALL:-}"
    settled "$n" "$LAUNCHED" || return
  fi
  for k in $(links_of "$n"); do [ -e "$ST/cut.$n.$k" ] && apply_cut "$n" "$k" "$(cat "$ST/cut.$n.$k")"; done
  [[ $n != rs* ]] || { [ "$FORWARDING" != tun ] || tunnel "$n"; } && { [[ $n != rs* ]] || serve "$n"; }; }

# A director as a User Mode Linux guest. Its own PID namespace: killing PID 1 there (linux.uml itself) is pulling the plug.
boot_guest() {
  local n=$1 k vec=() cpu
  for k in 0 1 2 3; do vec+=("vec$k:transport=tap,ifname=$n-$k,depth=64,gro=1,mac=$(mac_of "$n" "$k")"); done
  cpu=$(cpus | sed -n "$(( (${n#d} - 1) % $(cpus | wc -l) + 1 ))p")      # UML has no SMP: one CPU each
  launch "$n" "$ST/$n/console" nsenter -t "$(pid sw)" --net -- env -i PATH="$PATH" TMPDIR=/dev/shm unshare --pid --fork --kill-child=KILL \
    taskset -c "$cpu" "$UML" rootfstype=hostfs root=/dev/root ro mem="$MEMORY" uml_dir="$ST/$n/" umid=uml init="$LIB/director-init" \
    con=null con0=null,fd:1 con1=null quiet panic=-1 "${vec[@]}" NODE="$n" MANAGEMENT="10.77.9.$(host_of "$n")" STATE="$ST/$n" LIB="$LIB" \
    MODULES="$MODULES" INSTALL="${INSTALL:-}"
  for _ in {1..600}; do
    [ -e "$ST/$n/ready" ] && inside "$n" true 2>/dev/null && return 0
    [ -e "/proc/$LAUNCHED" ] || break; sleep 0.05; done
  tail -20 "$ST/$n/console" >&2; fail "$n did not come up (console above)"; }
cpus() { taskset -pc $$ | sed 's/.*: //' | tr , '\n' | while IFS=- read -r a b; do seq "$a" "${b:-$a}"; done; }

unplug() { # NODE: no shut-down. Cables first, so that a dying kernel says no good-bye (RST, FIN) on the wire.
  local k
  uml "$1" || for k in $(links_of "$1"); do nets ip link set "$1-$k" down 2>/dev/null; done
  slay "$1"; rm -f "$ST/$1/frozen"; }

# Cuts. carrier: the node sees NO-CARRIER. silent: the port drops every frame. in, out: the port drops one direction: `in`,
# nothing reaches the node (the switch neither knows its address nor floods to it); `out`, nothing leaves it (locked port).
apply_cut() { # NODE K HOW
  local n=$1 k=$2 port=$1-$2
  case $3 in
    carrier) nets bridge link set dev "$port" state 0 &&
      # UML interfaces have no carrier to lose; the director sees macvlans on them, and these have
      if uml "$n"; then ! on "$n" || inside "$n" ip link set "eth$k" protodown on; else nets ip link set "$port" down; fi;;
    silent) nets bridge link set dev "$port" state 0;;
    in) nets bridge link set dev "$port" learning off flood off mcast_flood off bcast_flood off &&
        nets ip link set "$port" type bridge_slave fdb_flush;;
    out) nets bridge link set dev "$port" learning off locked on &&
         nets ip link set "$port" type bridge_slave fdb_flush;;
  esac; }
undo_cut() { # NODE K
  local n=$1 k=$2 port=$1-$2
  if uml "$n"; then ! on "$n" || inside "$n" ip link set "eth$k" protodown off; else nets ip link set "$port" up; fi &&
  nets bridge link set dev "$port" state 3 learning on flood on mcast_flood on bcast_flood on &&
  { nets bridge link set dev "$port" locked off 2>/dev/null || :; }; }    # kernels before 5.18 know no `locked`
cable() { # NODE LINK -> K, if there is such a cable
  local k; k=$(link_number "$2") || return
  known "$1" && [[ " $(links_of "$1") " = *" $k "* ]] && [ "$1" != sw ] || { fail "$1 has no ${LINKS[k]} link"; return; }
  echo "$k"; }
cut_link() { # NODE LINK HOW
  local k; k=$(cable "$1" "$2") || return
  case $3 in carrier|silent|in|out) ;; *) fail "cut: '$3' is not carrier, silent, in or out"; return;; esac
  [ -e "$ST/cut.$1.$k" ] && { mend_link "$1" "$2" || return; }
  echo "$3" > "$ST/cut.$1.$k"
  uml "$1" || on "$1" || return 0                                          # applied when it boots
  apply_cut "$1" "$k" "$3" || { rm -f "$ST/cut.$1.$k"; fail "$1's ${LINKS[k]} link could not be cut ($3)"; }; }
# Loss: the switch drops frames of a port at random. It stays in force while the node is off, like a cut.
lose_on_link() { # NODE LINK PERCENT in|out|both
  local k out=$3 in=$3; k=$(cable "$1" "$2") || return
  [[ $3 =~ ^[0-9]+$ ]] && [ "$3" -le 100 ] || { fail "lose: '$3' is not a percentage"; return; }
  case $4 in both) ;; in) out=0;; out) in=0;; *) fail "lose: '$4' is not in or out"; return;; esac
  echo "$out $in" > "$ST/loss.$1.$k"; apply_losses; }
apply_losses() { # all of them anew
  local f port out in
  { echo "add table bridge lab"; echo "delete table bridge lab"; echo "add table bridge lab"
    echo "add chain bridge lab loss { type filter hook forward priority 0; }"
    for f in "$ST"/loss.*; do [ -e "$f" ] || continue
      port=${f##*/loss.}; port=${port%.*}-${port##*.}; read -r out in < "$f"
      echo "add rule bridge lab loss iifname $port numgen random mod 100 < $out drop"
      echo "add rule bridge lab loss oifname $port numgen random mod 100 < $in drop"; done
  } | nets nft -f -; }
# Delay: a process takes the place of the cable between the node's port and the switch.
delay_link() { # NODE LINK MS JITTER
  local k port; k=$(cable "$1" "$2") || return; port=$1-$k
  [[ $3 =~ ^[0-9]+$ && $4 =~ ^[0-9]+$ ]] || { fail "delay: '$3 $4' are not milliseconds"; return; }
  on "$1" || { fail "$1 is off"; return; }
  undelay "$1" "$k"
  nets ip link add "$port-x" type veth peer name "$port-y" && nets ip link set "$port-x" up && nets ip link set "$port-y" up &&
    nets ip link set "$port" nomaster || return
  launch "delay.$port" "$ST/delay.$port.log" nsenter -t "$(pid sw)" --net -- python3 "$LIB/slow-cable" "$port" "$port-y" "$3" "$4"
  nets ip link set "$port-x" master "br-${LINKS[k]}"; }
undelay() { # NODE K
  [ -e "$ST/pid.delay.$1-$2" ] || return 0
  slay "delay.$1-$2"; rm -f "$ST/pid.delay.$1-$2" "$ST/delay.$1-$2.log"
  nets ip link delete "$1-$2-x"; nets ip link set "$1-$2" master "br-${LINKS[$2]}" 2>/dev/null || :; }

mend_link() { # NODE LINK
  local k; k=$(cable "$1" "$2") || return
  undelay "$1" "$k"
  if [ -e "$ST/loss.$1.$k" ]; then rm -f "$ST/loss.$1.$k"; apply_losses; fi
  rm -f "$ST/cut.$1.$k"
  uml "$1" || on "$1" || return 0
  undo_cut "$1" "$k" || fail "$1's ${LINKS[k]} link could not be mended"; }

# freeze_node NODE STOP|CONT: a guest's kernel stands still and everything in it (its processes are traced by it and must not
# be stopped themselves). In a namespace node all processes stop, but the kernel goes on answering ARP and ping for it.
freeze_node() {
  if uml "$1"; then kill -"$2" "$(inner "$1")"
  else inside "$1" bash -c "kill -$2 -1; kill -$2 -1" 2>/dev/null || :; fi; }
