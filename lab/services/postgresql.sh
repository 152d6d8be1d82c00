# SPDX-License-Identifier: Apache-2.0
# PostgreSQL 15. Up: login SERVICE_USER, SERVICE_PASSWORD, database health, request "SELECT name FROM alive".
# States: up, scram (the same), md5, clear, trust (how the password is asked for), tls (only over TLS, SCRAM); empty (no row in
#         the table); password (another one is valid); missing (no such database); full (no connection is left).

postgresql_start() { # DIR ADDRESS PORT [STATE]
  local dir=$1 address=$2 port=$3 state=${4:-up} password=$SERVICE_PASSWORD method=scram-sha-256 encryption=scram-sha-256
  local host=host bin=/usr/lib/postgresql/15/bin options=()
  case $state in
    password) password=$SERVICE_OTHER_PASSWORD;;
    md5) method=md5 encryption=md5;;
    clear) method=password;;
    trust) method=trust;;
    tls) host=hostssl;;
    full) options=(-c max_connections=4 -c superuser_reserved_connections=3);;
  esac
  service_prepare "$dir" && service_certificate "$dir" && chown postgres "$dir" "$dir/key.pem" && chmod 600 "$dir/key.pem" || return
  service_cached postgresql "$dir/data" \
    setpriv --reuid postgres --regid postgres --clear-groups "$bin/initdb" -D "$dir/data" --auth-local=trust -E UTF8 --locale=C \
    --no-sync > "$dir/log" 2>&1 || { tail -n 5 "$dir/log" >&2; return 1; }
  printf '%s\n' "local all all trust" "$host all all 0.0.0.0/0 $method" "$host all all ::/0 $method" > "$dir/data/pg_hba.conf"
  options+=(-c listen_addresses="$address" -c port="$port" -c unix_socket_directories="$dir/data" -c fsync=off
    -c shared_buffers=8MB -c ssl=on -c ssl_cert_file="$dir/cert.pem" -c ssl_key_file="$dir/key.pem")
  { echo "SET password_encryption = '$encryption';"; echo "CREATE USER $SERVICE_USER PASSWORD '$password';"
    [ "$state" = missing ] || echo "CREATE DATABASE health OWNER $SERVICE_USER;"; } > "$dir/init.sql"
  setpriv --reuid postgres --regid postgres --clear-groups "$bin/postgres" --single -F -D "$dir/data" -j postgres \
    < <(sed 's/$/\n/' "$dir/init.sql") >> "$dir/log" 2>&1 || { tail -n 5 "$dir/log" >&2; return 1; }
  [ "$state" = missing ] ||
    { echo "CREATE TABLE alive (name text);"; echo; echo "GRANT ALL ON alive TO $SERVICE_USER;"; echo
      [ "$state" = empty ] || echo "INSERT INTO alive VALUES ('alive');"; echo; } |
    setpriv --reuid postgres --regid postgres --clear-groups "$bin/postgres" --single -F -D "$dir/data" -j health >> "$dir/log" 2>&1
  service_spawn "$dir" setpriv --reuid postgres --regid postgres --clear-groups "$bin/postgres" -D "$dir/data" "${options[@]}"
  service_await "$dir" "$port" || return
  if [ "$state" = full ]; then
    local i; for i in 1 2; do
      PGPASSWORD=$SERVICE_PASSWORD setsid --fork psql -h "$dir/data" -p "$port" -U "$SERVICE_USER" -d health \
        -c "SELECT pg_sleep(600)" > /dev/null 2>&1 < /dev/null
    done; sleep 1
  fi; }
postgresql_stop() { # the first signal would wait for its clients
  local p; p=$(cat "$1/pid" 2>/dev/null) && kill -INT "$p" 2>/dev/null; service_stop "$1"; }
