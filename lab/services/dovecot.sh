# SPDX-License-Identifier: Apache-2.0
# Dovecot: IMAP on PORT, IMAPS on DOVECOT_IMAPS_PORT (993), POP3 on DOVECOT_POP_PORT (110), POP3S on DOVECOT_POPS_PORT (995);
#         STARTTLS and STLS. Up: login SERVICE_USER, SERVICE_PASSWORD.
# States: up (PLAIN, CRAM-MD5 and APOP); plain (neither CRAM-MD5 nor APOP); password (another one is valid);
#         secure (no login without TLS, except from its own address).

dovecot_start() { # DIR ADDRESS PORT [up|plain|password|secure]
  local dir=$1 address=$2 port=$3 state=${4:-up} password=$SERVICE_PASSWORD mechanisms="plain login cram-md5 apop" clear=no
  case $state in password) password=$SERVICE_OTHER_PASSWORD;; plain) mechanisms="plain login";; secure) clear=yes;; esac
  service_prepare "$dir" && service_certificate "$dir" && mkdir -p "$dir/mail" && chown mail "$dir/mail" || return
  echo "$SERVICE_USER:{PLAIN}$password" > "$dir/users"; chmod 644 "$dir/users"
  cat > "$dir/dovecot.conf" <<C
base_dir = $dir/run
state_dir = $dir/state
listen = $address
protocols = imap pop3
log_path = /dev/stderr
ssl = yes
ssl_cert = <$dir/cert.pem
ssl_key = <$dir/key.pem
auth_mechanisms = $mechanisms
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
disable_plaintext_auth = $clear
mail_location = maildir:$dir/mail/%u
first_valid_uid = 1
first_valid_gid = 1
passdb {
  driver = passwd-file
  args = $dir/users
}
userdb {
  driver = static
  args = uid=mail gid=mail home=$dir/mail/%u
}
service imap-login {
  inet_listener imap {
    port = $port
  }
  inet_listener imaps {
    port = ${DOVECOT_IMAPS_PORT:-993}
  }
}
service pop3-login {
  inet_listener pop3 {
    port = ${DOVECOT_POP_PORT:-110}
  }
  inet_listener pop3s {
    port = ${DOVECOT_POPS_PORT:-995}
  }
}
C
  service_spawn "$dir" dovecot -F -c "$dir/dovecot.conf"
  service_await "$dir" "$port" && service_await "$dir" "${DOVECOT_POPS_PORT:-995}"; }
dovecot_stop() { service_stop "$1"; }
