# SPDX-License-Identifier: Apache-2.0
# Sourced by tests of the heartbeat on a lab of kind cluster that is up: LAB, LAB_STATE.
passed=0 failed=0
lab() { "$LAB" "$@"; }
directors() { local d; for d in d1 d2 d3; do [ -e "$LAB_STATE/$d" ] && echo $d; done; }
all() { local d; for d in $(directors); do lab exec $d "$@" || return; done; }
since() { bc <<<"scale=2; ($EPOCHREALTIME - $1) / 1"; }
below() { [ "$(bc <<<"$1 < $2")" = 1 ]; }
pass() { passed=$((passed + 1)); printf '  ok    %s\n' "$*"; }
fail() { local d; failed=$((failed + 1)); printf '  FAIL  %s\n' "$*"
  for d in $(directors); do echo "-- $d"; lab exec $d heartbeat explain; lab exec $d tail -12 /run/lab/log/heartbeat.log; done | sed 's/^/        | /'; }
check() { local name=$1; shift; if "$@"; then pass "$name"; else fail "$name"; fi; }
attribute() { # NODE NAME [SEEN_FROM]
  lab exec "${3:-$1}" attrd_updater -Q -n "$2" -N "$1" 2>/dev/null | sed -n 's/.*value="\([^"]*\)".*/\1/p'; }
scores() { local d s=; for d in $(directors); do s="$s $(attribute $d hb-score)"; done; echo ${s# }; }
active() { lab exec d1 crm_mon -1 | sed -n 's/.*p-vip.*Started \(d[123]\).*/\1/p'; }
other() { [ "$1" = d1 ] && echo d2 || echo d1; }
has_vip() { lab exec "$1" ip -4 -o address show dev eth0 2>/dev/null | grep -q '10\.77\.0\.100/'; }
owners() { local d n=0; for d in $(directors); do has_vip $d && n=$((n + 1)); done; echo $n; }
until_true() { # SECONDS COMMAND...: prints the seconds it took; fails after the limit
  local limit=$1 begin=$EPOCHREALTIME; shift
  until "$@"; do below "$(since "$begin")" "$limit" || { since "$begin"; return 1; }; sleep 0.05; done; since "$begin"; }
score_is() { [ "$(attribute "$1" hb-score "${3:-$1}")" = "$2" ]; }
scores_are() { [ "$(scores)" = "$1" ]; }
settled() { lab exec "$1" heartbeat status --json 2>/dev/null | grep -q '"state":"ok".*"self_late":false,"stall":false,"merge":false,"maintenance":false,"forced":null,"initdead":false'; }
well() { local d; for d in $(directors); do score_is $d 1000 && settled $d || return; done; }
whole() { until_true 90 well >/dev/null; }   # healthy and nothing held back: how every case begins
verdict() { lab exec "$1" heartbeat status --json | grep -o '"verdicts":\[{[^]]*\]' | sed -n 's/.*"reason":"\([^"]*\)".*"faulty":\[\([^]]*\)$/\1 \2/p'; }
at_fault() { # SEEN_FROM -> names
  lab exec "$1" heartbeat status --json | grep -o '"verdicts":.*' | grep -o '"faulty":\[[^]]*\]' | head -1 | grep -o 'd[123]' | tr '\n' ' '; }
reason() { lab exec "$1" heartbeat status --json | grep -o '"verdicts":.*' | sed -n 's/.*"reason":"\([^"]*\)".*/\1/p' | head -1; }
stays() { # SECONDS NODE [SCORES]: the address stays on NODE, there is one owner, and the scores stay
  local end=$((SECONDS + $1)) want=${3:-$(scores)}
  while [ $SECONDS -lt $end ]; do has_vip "$2" || { echo "the address left $2"; return 1; }
    [ "$(owners)" = 1 ] || { echo "$(owners) owners"; return 1; }
    scores_are "$want" || { echo "scores: $(scores) instead of $want"; return 1; }; sleep 0.3; done; }
configure() { # [LINES of heartbeat.conf]: the address, the clone and the rule
  all sh -c "mkdir -p /etc/vervet; printf '%s\n' \"$(printf '%s' "${1:-}" | sed 's/"/\\"/g')\" > /etc/vervet/heartbeat.conf"
  lab exec d1 sh -c 'cat > /tmp/heartbeat.crm; crm configure load update /tmp/heartbeat.crm' <<'C' 2>&1 | grep -vE 'fencing|Blind'
primitive p-vip ocf:vervet:IPaddr2 params ip=10.77.0.100 cidr_netmask=24 nic=eth0 check_link_status=false op monitor interval=10s timeout=20s
group g-lvs p-vip
primitive p-heartbeat ocf:vervet:heartbeat params extra_args="--log-file /run/lab/log/heartbeat.log" \
    op start timeout=20s interval=0s op stop timeout=20s interval=0s op monitor timeout=20s interval=5s
clone c-heartbeat p-heartbeat meta interleave=true
order o-heartbeat-lvs Optional: c-heartbeat g-lvs
location loc-lvs-hb g-lvs rule hb-score: defined hb-score rule 1000: not_defined hb-score
rsc_defaults resource-stickiness=100
C
  until_true 30 started >/dev/null; }
started() { local d; for d in $(directors); do score_is $d 1000 || return; done; [ "$(owners)" = 1 ]; }
finish() { echo "$passed passed, $failed failed"; [ $failed -eq 0 ]; }
