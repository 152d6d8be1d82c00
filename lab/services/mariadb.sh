# SPDX-License-Identifier: Apache-2.0
# MariaDB. Up: login SERVICE_USER, SERVICE_PASSWORD, database health, request "SELECT name FROM alive".
# States: up; empty (the table has no row); password (another one is valid); missing (there is no such database);
#         full (one connection is allowed, and held: "Too many connections"); tls (logins only over TLS).

mariadb_start() { # DIR ADDRESS PORT [up|empty|password|missing|full|tls]
  local dir=$1 address=$2 port=$3 state=${4:-up} password=$SERVICE_PASSWORD
  [ "$state" = password ] && password=$SERVICE_OTHER_PASSWORD
  local tls=OFF; [ "$state" = tls ] && tls=ON
  service_prepare "$dir" && service_certificate "$dir" && mkdir -p "$dir/tmp" || return
  service_cached mariadb "$dir/data" mariadb-install-db --no-defaults --user=root --datadir="$dir/data" --skip-test-db \
    --innodb-use-native-aio=0 --tmpdir="$dir/tmp" \
    --auth-root-authentication-method=normal > "$dir/log" 2>&1 || { tail -n 5 "$dir/log" >&2; return 1; }
  { [ "$state" = missing ] || printf '%s\n' "CREATE DATABASE health;" "CREATE TABLE health.alive (name VARCHAR(20));"
    [ "$state" = missing ] || [ "$state" = empty ] || echo "INSERT INTO health.alive VALUES ('alive');"
    echo "CREATE USER '$SERVICE_USER'@'%' IDENTIFIED BY '$password';"
    echo "GRANT SELECT, INSERT, UPDATE ON *.* TO '$SERVICE_USER'@'%';"
  } > "$dir/init.sql"
  service_spawn "$dir" mariadbd --no-defaults --user=root --datadir="$dir/data" --bind-address="$address" --port="$port" \
    --socket="$dir/socket" --pid-file="$dir/server.pid" --skip-name-resolve --skip-log-bin --tmpdir="$dir/tmp" --innodb-use-native-aio=0 --innodb-buffer-pool-size=8M \
    --innodb-log-file-size=4M --performance-schema=OFF --log-warnings=2 --extra-port=0 --init-file="$dir/init.sql" \
    --ssl-cert="$dir/cert.pem" --ssl-key="$dir/key.pem" --require-secure-transport=$tls
  service_await "$dir" "$port" || return
  if [ "$state" = full ]; then
    # One more than this is let in for the superuser, who is never asked about it.
    mariadb --no-defaults --socket="$dir/socket" -u root -e "SET GLOBAL max_connections = 10" || return
    local i; for i in 1 2 3 4 5 6 7 8 9 10; do
      setsid --fork mariadb --no-defaults --socket="$dir/socket" -u "$SERVICE_USER" -p"$SERVICE_PASSWORD" \
        -e "SELECT SLEEP(600)" > /dev/null 2>&1 < /dev/null
    done; sleep 0.5
  fi; }
mariadb_stop() { service_stop "$1"; }
