# SPDX-License-Identifier: Apache-2.0
# slapd (OpenLDAP): LDAP on PORT with StartTLS; LDAPS on SLAPD_TLS_PORT when that is set.
# Up:     base cn=health,dc=vervet,dc=test; anonymous, or login cn=checker,dc=vervet,dc=test with SERVICE_PASSWORD.
# States: up; empty (the entry is missing: noSuchObject); password (another one is valid: invalidCredentials);
#         closed (anonymous binds are refused).

slapd_start() { # DIR ADDRESS PORT [up|empty|password|closed]
  local dir=$1 address=$2 port=$3 state=${4:-up} password=$SERVICE_PASSWORD urls
  [[ $address == *:* ]] && address="[$address]"
  [ "$state" = password ] && password=$SERVICE_OTHER_PASSWORD
  service_prepare "$dir" && service_certificate "$dir" && rm -rf "$dir/data" && mkdir "$dir/data" || return
  urls="ldap://$address:$port/${SLAPD_TLS_PORT:+ ldaps://$address:$SLAPD_TLS_PORT/}"
  cat > "$dir/slapd.conf" <<C
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile $dir/slapd.pid
TLSCertificateFile $dir/cert.pem
TLSCertificateKeyFile $dir/key.pem
$([ "$state" = closed ] && echo disallow bind_anon)
database mdb
suffix dc=vervet,dc=test
directory $dir/data
rootdn cn=checker,dc=vervet,dc=test
rootpw $password
C
  { printf 'dn: dc=vervet,dc=test\nobjectClass: dcObject\nobjectClass: organization\ndc: vervet\no: Vervet\n\n'
    [ "$state" = empty ] || printf 'dn: cn=health,dc=vervet,dc=test\nobjectClass: device\ncn: health\ndescription: alive\n\n'
  } | slapadd -q -f "$dir/slapd.conf" > "$dir/log" 2>&1 || { cat "$dir/log" >&2; return 1; }
  service_spawn "$dir" slapd -d 0 -f "$dir/slapd.conf" -h "$urls"
  service_await "$dir" "$port"; }
slapd_stop() { service_stop "$1"; }
