# SPDX-License-Identifier: Apache-2.0
# Postfix: SMTP with STARTTLS on PORT, TLS from the start on POSTFIX_TLS_PORT (465). Up: greeting 220, EHLO accepted.
# States: up; closed (the greeting is 554).

postfix_start() { # DIR ADDRESS PORT [up|closed]
  local dir=$1 address=$2 port=$3 state=${4:-up} extra=
  [[ $address == *:* ]] && address="[$address]"
  case $state in
    closed) extra="-o smtpd_client_restrictions=reject -o smtpd_delay_reject=no";;
  esac
  service_prepare "$dir" && service_certificate "$dir" && mkdir -p "$dir/etc" "$dir/queue" "$dir/data" || return
  chown postfix "$dir/data"; chmod 755 "$dir/queue"
  cat > "$dir/etc/main.cf" <<C
compatibility_level = 3.6
queue_directory = $dir/queue
data_directory = $dir/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.vervet.test
mydestination =
inet_interfaces = all
inet_protocols = all
maillog_file = $dir/mail.log
maillog_file_prefixes = $dir
smtpd_tls_cert_file = $dir/cert.pem
smtpd_tls_key_file = $dir/key.pem
smtpd_tls_security_level = may
smtpd_relay_restrictions = reject
smtpd_helo_restrictions = reject_invalid_helo_hostname
smtpd_delay_reject = no
alias_maps =
C
  cat > "$dir/etc/master.cf" <<C
$address:$port inet n - n - - smtpd $extra
$address:${POSTFIX_TLS_PORT:-465} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
C
  service_spawn "$dir" postfix -c "$dir/etc" start-fg
  service_await "$dir" "$port"; }
postfix_stop() { # its master leaves the session that it was started in
  local p; p=$(cat "$1/queue/pid/master.pid" 2>/dev/null) && p=${p// /} && kill -TERM "$p" 2>/dev/null &&
    while kill -0 "$p" 2>/dev/null; do sleep 0.02; done
  service_stop "$1"; }
