# SPDX-License-Identifier: Apache-2.0
# FreeRADIUS, authentication on UDP port PORT. Up: login SERVICE_USER, SERVICE_PASSWORD, secret testing123.
# States: up; password (another one is valid: Access-Reject); secret (server and client share another one);
#         challenge (answers with Access-Challenge).

freeradius_start() { # DIR ADDRESS PORT [up|password|secret|challenge]
  local dir=$1 address=$2 port=$3 state=${4:-up} password=$SERVICE_PASSWORD secret=testing123 family=ipaddr any=0.0.0.0/0 challenge=
  [ "$state" = password ] && password=$SERVICE_OTHER_PASSWORD
  [ "$state" = secret ] && secret=another-secret
  [ "$state" = challenge ] && challenge='&Auth-Type := CHALLENGE'
  [[ $address == *:* ]] && family=ipv6addr any=::/0
  service_prepare "$dir" && mkdir -p "$dir/run" || return
  cat > "$dir/radiusd.conf" <<C
prefix = /usr
exec_prefix = /usr
sysconfdir = /etc
localstatedir = $dir
sbindir = /usr/sbin
logdir = $dir
raddbdir = $dir
run_dir = $dir/run
libdir = /usr/lib/freeradius
pidfile = $dir/server.pid
max_request_time = 30
max_requests = 1024
log {
    destination = stdout
    auth = yes
}
security {
    reject_delay = 0
    status_server = no
}
client lab {
    $family = $any
    secret = $secret
    shortname = lab
}
thread pool {
    start_servers = 1
    max_servers = 4
    min_spare_servers = 1
    max_spare_servers = 2
}
modules {
    pap {
    }
    always handled {
        rcode = handled
    }
}
server default {
    listen {
        type = auth
        $family = $address
        port = $port
    }
    authorize {
        if (&User-Name == "$SERVICE_USER") {
            update control {
                &Cleartext-Password := "$password"
                $challenge
            }
        }
        pap
    }
    authenticate {
        Auth-Type PAP {
            pap
        }
        Auth-Type CHALLENGE {
            update reply {
                &Reply-Message := "code from your token?"
            }
            update control {
                &Response-Packet-Type := Access-Challenge
            }
            handled
        }
    }
    post-auth {
        Post-Auth-Type REJECT {
            update reply {
                &Reply-Message := "no such user or password"
            }
        }
    }
}
C
  service_spawn "$dir" freeradius -f -l stdout -d "$dir" -n radiusd -D /usr/share/freeradius
  service_await "$dir" "$port" udp; }
freeradius_stop() { service_stop "$1"; }
