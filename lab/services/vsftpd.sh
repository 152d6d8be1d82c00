# SPDX-License-Identifier: Apache-2.0
# vsftpd. Up: anonymous, or login SERVICE_USER, SERVICE_PASSWORD; request health.txt answers "alive".
# States: up; empty (no such file); password (another one is valid); closed (no anonymous login); tls (logins and files only
#         over TLS, files only in the session of the login).

vsftpd_start() { # DIR ADDRESS PORT [up|empty|password|closed|tls]
  local dir=$1 address=$2 port=$3 state=${4:-up} password=$SERVICE_PASSWORD anonymous=YES family=
  [ "$state" = password ] && password=$SERVICE_OTHER_PASSWORD
  [ "$state" = closed ] && anonymous=NO
  [[ $address == *:* ]] && family=6
  service_prepare "$dir" && mkdir -p "$dir/root" "$dir/empty" && rm -f "$dir/root/health.txt" || return
  [ "$state" = empty ] || echo alive > "$dir/root/health.txt"
  cat > "$dir/vsftpd.conf" <<C
listen${family:+_ipv6}=YES
listen_address$family=$address
listen_port=$port
background=NO
anonymous_enable=$anonymous
anon_root=$dir/root
local_enable=YES
local_root=$dir/root
pam_service_name=vsftpd
secure_chroot_dir=$dir/empty
ftp_username=ftp
chroot_local_user=YES
seccomp_sandbox=NO
xferlog_enable=NO
delay_failed_login=0
C
  [ "$state" != tls ] || { service_certificate "$dir" && printf '%s\n' ssl_enable=YES rsa_cert_file="$dir/cert.pem" \
    rsa_private_key_file="$dir/key.pem" allow_anon_ssl=YES force_anon_logins_ssl=YES force_anon_data_ssl=YES \
    force_local_logins_ssl=YES force_local_data_ssl=YES require_ssl_reuse=YES ssl_ciphers=HIGH >> "$dir/vsftpd.conf"; } || return
  # Users and the rules for their logins are read in one place only: this server sees others there.
  { cat /etc/passwd; echo "$SERVICE_USER:x:65534:65534::$dir/root:/bin/sh"; } > "$dir/passwd"
  echo "$SERVICE_USER:$(openssl passwd -6 "$password"):19000:0:99999:7:::" > "$dir/shadow"
  printf '%s\n' "auth required pam_unix.so" "account required pam_unix.so" "session required pam_permit.so" > "$dir/pam"
  service_spawn "$dir" unshare --mount sh -c 'mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/shadow" /etc/shadow &&
    mount --bind "$1/pam" /etc/pam.d/vsftpd && exec vsftpd "$1/vsftpd.conf"' sh "$dir"
  service_await "$dir" "$port"; }
vsftpd_stop() { service_stop "$1"; }
