# SPDX-License-Identifier: Apache-2.0
# nnrpd of INN, a news server for readers (NNTP), with STARTTLS; as tools/packages has unpacked it. Up: the greeting begins with 2.
# States: up; plain (no certificate: STARTTLS is refused with 580); broken (it has no overview: greeting 400).

inn2_start() { # DIR ADDRESS PORT [up|plain|broken]
  local dir=$1 address=$2 port=$3 state=${4:-up} family=4 name=cert news=/usr/local/lib/vervet-lab/inn2/usr/lib/news
  [[ $address == *:* ]] && family=6
  service_prepare "$dir" && service_certificate "$dir" && mkdir -p "$dir/db" "$dir/run" "$dir/spool" || return
  cat > "$dir/inn.conf" <<C
mta: /bin/false
organization: Vervet
domain: vervet.test
fromhost: vervet.test
pathhost: news.vervet.test
ovmethod: tradindexed
hismethod: hisv6
pathnews: $dir
pathbin: $news/bin
pathdb: $dir/db
pathetc: $dir
pathlog: $dir/run
pathrun: $dir/run
pathtmp: $dir/run
pathspool: $dir/spool
patharchive: $dir/spool
patharticles: $dir/spool
pathoverview: $dir/spool
pathfilter: $dir
C
  [ "$state" = plain ] && name=none
  printf '%s\n' "tlscertfile: $dir/$name.pem" "tlskeyfile: $dir/key.pem" >> "$dir/inn.conf"
  printf 'method timehash {\n  class: 0\n  newsgroups: *\n}\n' > "$dir/storage.conf"
  printf 'auth all {\n  hosts: "*"\n  default: "<all>"\n}\naccess all {\n  users: "<all>"\n  newsgroups: "*"\n}\n' > "$dir/readers.conf"
  : > "$dir/db/active"; : > "$dir/db/newsgroups"
  [ "$state" = broken ] || : > "$dir/spool/group.index"
  # It takes no key that others may read.
  chmod 640 "$dir/key.pem"; chown -R news:news "$dir"
  service_spawn "$dir" env INNCONF="$dir/inn.conf" LD_LIBRARY_PATH="$news" "$news/bin/nnrpd" -D -f "-$family" "$address" -p "$port"
  service_await "$dir" "$port"; }
inn2_stop() { service_stop "$1"; }
