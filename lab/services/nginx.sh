# SPDX-License-Identifier: Apache-2.0
# nginx: HTTP on PORT, HTTPS (certificate for server.test) on NGINX_TLS_PORT (443).
# Up:     /health answers "OK"; Host one.test and two.test (also as SNI) answer / with their name; /old redirects to /health;
#         /none answers 204, /large 1 MiB; /away redirects to another host, /version tells the protocol's version, /key is open
#         to the header field X-Key: sesame only.
# States: up; sick (/health: 503); wrong (/health answers "sorry"); broken (TLS, but no cipher in common with anybody);
#         client (TLS only with the certificate cert.pem, key.pem as the client's).

nginx_start() { # DIR ADDRESS PORT [up|sick|wrong|broken|client]
  local dir=$1 address=$2 port=$3 state=${4:-up} health='return 200 "OK\n"' ciphers=DEFAULT
  [[ $address == *:* ]] && address="[$address]"
  case $state in sick) health='return 503 "sick\n"';; wrong) health='return 200 "sorry\n"';; broken) ciphers=PSK;; esac
  service_prepare "$dir" && service_certificate "$dir" && mkdir -p "$dir/tmp" || return
  head -c 1048576 /dev/zero | tr '\0' x > "$dir/large"
  cat > "$dir/nginx.conf" <<C
user root;
daemon off;
worker_processes 1;
pid $dir/server.pid;
error_log stderr;
events { worker_connections 8192; }
http {
    access_log off;
    default_type text/plain;
    client_body_temp_path $dir/tmp/body; proxy_temp_path $dir/tmp/proxy; fastcgi_temp_path $dir/tmp/fastcgi;
    uwsgi_temp_path $dir/tmp/uwsgi; scgi_temp_path $dir/tmp/scgi;
    ssl_certificate $dir/cert.pem; ssl_certificate_key $dir/key.pem; ssl_ciphers $ciphers;
    $([ "$state" = broken ] && echo "ssl_protocols TLSv1.2;")
    $([ "$state" = client ] && echo "ssl_verify_client on; ssl_client_certificate $dir/cert.pem;")
    server {
        listen $address:$port default_server; listen $address:${NGINX_TLS_PORT:-443} ssl default_server;
        root $dir;
        location = / { return 200 "default\n"; }
        location = /health { $health; }
        location = /old { return 302 /health; }
        location = /none { return 204; }
        location = /away { return 302 http://127.0.0.77/health; }
        location = /version { return 200 "\$server_protocol\n"; }
        location = /explosive { return 200 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx!\n"; }
        location = /key { if (\$http_x_key != sesame) { return 403; } return 200 "in\n"; }
        location = /large { }
    }
    server { listen $address:$port; listen $address:${NGINX_TLS_PORT:-443} ssl; server_name one.test;
             location / { return 200 "one \$ssl_server_name\n"; } }
    server { listen $address:$port; listen $address:${NGINX_TLS_PORT:-443} ssl; server_name two.test;
             location / { return 200 "two \$ssl_server_name\n"; } }
}
C
  service_spawn "$dir" nginx -p "$dir" -e stderr -c "$dir/nginx.conf"
  service_await "$dir" "$port"; }
nginx_stop() { service_stop "$1"; }
