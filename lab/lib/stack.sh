# SPDX-License-Identifier: Apache-2.0
# The cluster stack of the directors: Corosync on two encrypted knet links, Pacemaker with an empty CIB.

# link_mode active: every packet on both links, so that losing either delays nothing (with passive, Corosync's messages stall
# until knet gives up the link, up to knet_ping_timeout). The crossover has the higher priority for those who choose passive.
corosync_conf() {
  local i k
  printf '%s\n' 'totem {' '    version: 2' "    cluster_name: vervet-lab" '    transport: knet' "    link_mode: $LINK_MODE" \
    '    crypto_model: nss' '    crypto_cipher: aes256' '    crypto_hash: sha256' '    keyfile: /etc/corosync/authkey' "    token: $TOKEN"
  for ((k = 0; k < RINGS; k++)); do
    printf '%s\n' '    interface {' "        linknumber: $k" '        knet_transport: udp' "        knet_link_priority: $((k == 1 ? 10 : 1))" \
      '        knet_ping_interval: 200' "        knet_ping_timeout: $KNET_TIMEOUT" '        knet_pong_count: 2' '    }'; done
  printf '%s\n' '}' 'nodelist {'
  for ((i = 1; i <= DIRECTORS; i++)); do
    printf '%s\n' '    node {' "        nodeid: $i" "        name: d$i" "        ring0_addr: 10.77.0.1$i" "        ring1_addr: 10.77.1.1$i"
    [ "$RINGS" = 3 ] && echo "        ring2_addr: 10.77.2.1$i"; echo '    }'; done
  printf '%s\n' '}' 'quorum {' '    provider: corosync_votequorum'
  [ "$DIRECTORS" = 2 ] && printf '%s\n' '    two_node: 1' '    wait_for_all: 1'
  # With its usual real-time priority Corosync, when it is short of time, takes the only CPU of a guest for itself; its own link
  # threads and Pacemaker starve, and the membership falls apart again and again (seen for minutes on a busy machine).
  [ "$ENGINE" = uml ] && printf '%s\n' '}' 'system {' '    sched_rr: no' '    priority: max'
  printf '%s\n' '}' 'logging {' '    to_stderr: no' '    to_syslog: no' '    to_logfile: yes' '    logfile: /var/log/corosync/corosync.log' \
    '    timestamp: hires' '    debug: off' '}'; }

# Without dc-deadtime the first election of a DC takes 20 s. crm_feature_set must not exceed the installed Pacemaker's.
seed_cib() {
  cat <<C
<cib crm_feature_set="3.6.1" validate-with="pacemaker-3.5" epoch="1" num_updates="0" admin_epoch="0"><configuration>
<crm_config><cluster_property_set id="cib-bootstrap-options">
<nvpair id="cib-bootstrap-options-dc-deadtime" name="dc-deadtime" value="2s"/>
<nvpair id="cib-bootstrap-options-stonith-enabled" name="stonith-enabled" value="$([ -n "$FENCING" ] && echo true || echo false)"/>
<nvpair id="cib-bootstrap-options-stonith-timeout" name="stonith-timeout" value="20s"/>
</cluster_property_set></crm_config><nodes/><resources>
C
  [ -n "$FENCING" ] && cat <<C
<primitive id="fence" class="stonith" type="fence_lab"><instance_attributes id="fence-params">
<nvpair id="fence-hosts" name="pcmk_host_list" value="$(directors | tr '\n' ' ' | sed 's/ $//')"/><nvpair id="fence-check" name="pcmk_host_check" value="static-list"/>
</instance_attributes><operations><op id="fence-monitor" name="monitor" interval="60s"/></operations></primitive>
C
  echo '</resources><constraints/></configuration><status/></cib>'; }

site_files() { # what all directors share
  local i s=$ST/site; mkdir -p "$s"
  corosync_conf > "$s/corosync.conf"; seed_cib > "$s/cib.xml"
  corosync-keygen -l -k "$s/authkey" >/dev/null || return
  { echo "127.0.0.1 localhost"
    for ((i = 1; i <= DIRECTORS; i++)); do echo "10.77.1.1$i d$i d$i-crossover"; echo "10.77.0.1$i d$i-public"; echo "10.77.2.1$i d$i-inside"; done
    for ((i = 1; i <= REAL; i++)); do echo "10.77.2.2$i rs$i rs$i-inside"; echo "10.77.0.2$i rs$i-public"; done
    echo "10.77.0.200 client"; echo "10.77.0.254 router"; echo "10.77.0.100 vip"; } > "$s/hosts"
  # one key pair for root and one host key, the same on each director and new for each lab
  ssh-keygen -q -t ed25519 -N '' -C lab -f "$s/ssh_root" && ssh-keygen -q -t ed25519 -N '' -C lab -f "$s/ssh_host" || return
  sed 's/^/d*,10.77.1.* /' "$s/ssh_host.pub" > "$s/ssh_known_hosts"; }

director_files() { # NODE: a director's own files, with their owners and modes; its boot lays them over this machine's
  local n=$1 r=$ST/$1/root s=$ST/site m
  rm -rf "$r"; mkdir -p -m755 "$r" "$r"/{etc,var,usr,run,.old} "$r"/etc/{corosync/uidgid.d,ssh} "$r"/usr/{sbin,lib/modules} "$r"/var/{log,lib/corosync}
  install -m644 "$s/hosts" "$s/corosync.conf" "$r/etc/"; mv "$r/etc/corosync.conf" "$r/etc/corosync/"
  install -m400 "$s/authkey" "$r/etc/corosync/"
  install -m755 "$LIB/fence_lab" "$r/usr/sbin/"
  install -d -m755 "$r/var/lib/pacemaker"; install -d -o hacluster -g haclient -m750 "$r"/var/lib/pacemaker/{blackbox,cib,cores,pengine}
  install -o hacluster -g haclient -m600 "$s/cib.xml" "$r/var/lib/pacemaker/cib/"
  # root's ssh to the other directors, over the crossover only. Empty start-up files: bash reads them for each ssh command.
  install -d -m700 "$r/root" "$r/root/.ssh"; : > "$r/root/.bashrc"; : > "$r/root/.profile"
  install -m600 "$s/ssh_root" "$r/root/.ssh/id_ed25519"; install -m600 "$s/ssh_root.pub" "$r/root/.ssh/authorized_keys"
  install -m600 "$s/ssh_known_hosts" "$r/root/.ssh/known_hosts"; install -m600 "$s/ssh_host" "$r/etc/ssh/lab_host"
  printf '%s\n' "ListenAddress 10.77.1.$(host_of "$n")" 'HostKey /etc/ssh/lab_host' 'UsePAM no' 'PermitRootLogin prohibit-password' \
    'PasswordAuthentication no' 'UseDNS no' 'PidFile /run/sshd.pid' > "$r/etc/ssh/lab_config"
  ( umask 027; sed 's/^root:[^:]*:/root:*:/' /etc/shadow > "$r/etc/shadow"; chgrp shadow "$r/etc/shadow" )   # a locked root could not log in
  if uml "$n"; then
    for m in /bin /lib /lib32 /lib64 /sbin; do [ -L $m ] && cp -P $m "$r$m"; done     # links stay links, whatever is installed
    for m in "$MODULES"/*/; do m=${m%/}; ln -s "$m" "$r/usr/lib/modules/${m##*/}"; done  # for modprobe and the kernel's autoload
    printf '%s\n' 'proc /proc proc' 'sys /sys sysfs' 'dev /dev devtmpfs' 'pts /dev/pts devpts X-mount.mkdir' 'shm /dev/shm tmpfs mode=1777,X-mount.mkdir' \
      'run /run tmpfs mode=755' "lab /run/lab hostfs X-mount.mkdir,$ST/$n" "log /var/log hostfs $ST/$n/log" > "$r/etc/lab-fstab"
  fi; }

start_stack() { # DIRECTOR
  inside "$1" sh -c 'cd /; pidof corosync >/dev/null || setsid corosync -f >/var/log/corosync/stderr.log 2>&1 </dev/null &
    for i in $(seq 200); do corosync-cmapctl -g runtime.votequorum.this_node_id >/dev/null 2>&1 && break; sleep 0.05; done
    pidof pacemakerd >/dev/null || PCMK_logfile=/var/log/pacemaker/pacemaker.log PCMK_logfacility=none PCMK_logpriority=notice \
      setsid pacemakerd -f >/var/log/pacemaker/stderr.log 2>&1 </dev/null &'; }
stop_stack() { # DIRECTOR: resources move away first, as at a shut-down
  inside "$1" sh -c 'for d in pacemakerd corosync; do p=$(pidof $d) && kill $p && while kill -0 $p 2>/dev/null; do sleep 0.05; done; done; true'; }

await() { # SECONDS: all directors online, and a DC
  local end=$((SECONDS + $1)) m d
  [ -n "$BARE" ] && return 0
  while [ $SECONDS -le $end ]; do
    for d in $(directors); do
      on "$d" || continue
      m=$(inside "$d" crm_mon -1 -X 2>/dev/null)
      [[ $m = *'<current_dc present="true"'* ]] && [ "$(grep -c '<node name=.*online="true".*pending="false"' <<<"$m")" -ge "$DIRECTORS" ] && return 0
      break
    done
    sleep 0.1
  done; fail "not all $DIRECTORS directors online with a DC after $1 s: see lab logs"; }

status() {
  local n k f line d= how out in
  echo "lab at $ST: kind $KIND ($([ "$ENGINE" = uml ] && echo 'a kernel for each director' || echo 'directors as namespaces')), forwarding $FORWARDING"
  for n in $(nodes); do
    if [ -e "$ST/$n/frozen" ] && on "$n"; then how=frozen
    elif on "$n"; then how=on; [[ $n = rs* ]] && { serving "$n" || how='on, nginx stopped'; [ -e "$ST/$n/healthy" ] || how="$how, sick"; }
    else how=off; fi
    printf '  %-7s %s\n' "$n" "$how"
    [[ $how = on && $n = d* ]] && d=${d:-$n} && [ -z "$BARE" ] && inside "$n" corosync-cfgtool -n 2>/dev/null | awk '
      /^nodeid:/ { peer = "d" $2 }
      /LINK:/ { split("public crossover inside", name, " "); printf "          %-9s to %s: %s\n", name[$2 + 1], peer, / connected/ ? "connected" : "NOT connected" }'
  done
  for f in "$ST"/cut.*; do [ -e "$f" ] || continue
    f=${f##*/cut.}; k=${f##*.}; echo "  cut: ${f%.*} ${LINKS[k]} ($(cat "$ST/cut.$f"))"; done
  for f in "$ST"/loss.*; do [ -e "$f" ] || continue
    f=${f##*/loss.}; k=${f##*.}; read -r out in < "$ST/loss.$f"; echo "  loss: ${f%.*} ${LINKS[k]} ($out % out, $in % in)"; done
  [ -n "$d" ] && [ -z "$BARE" ] && { inside "$d" crm_mon -1 2>&1 | sed "s/^/  | /"; }; :; }
