#!/bin/sh
# An engine of the tests' own: own-engine.sh DIRECTORY, as root. It has a root, a socket, mounts, processes and a network of its own, so nothing
# of the machine changes. Says "engine PID" when its namespaces are there; it ends, and the directory goes, when its stdin is closed.
set -eu

# A directory of the machine with changes that only the engine sees.
changeable() {
  mkdir -p "$1/changes$2/upper" "$1/changes$2/work"
  mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/changes$2/upper,workdir=$1/changes$2/work" "$2"
}

# A program where the engine looks for it; bound, not copied.
place() {
  mkdir -p "$(dirname "$2")"
  : > "$2"
  mount --bind "$1" "$2"
}

first() {
  for candidate; do [ -e "$candidate" ] && readlink -f "$candidate" && return; done
  echo "none of $* is there" >&2
  return 1
}

# Within its namespaces, as their first process: whatever is left when it ends is ended by the kernel.
inside() {
  exec 3<&0 < /dev/null
  ip link set lo up
  bin=$(dirname "$(command -v dagger-engine)")
  init=$(first "$bin/dagger-init" /usr/local/bin/dagger-init)
  dnsname=$(first "$bin/dnsname" "$bin/../../../opt/cni/bin/dnsname" /opt/cni/bin/dnsname)
  content=$(first "$bin/../share/dagger/content" /usr/local/share/dagger/content)
  runc=$(first "$bin/runc" /usr/local/bin/runc "$(command -v runc)")
  plugins=$(dirname "$(first "$bin/../../../opt/cni/bin/bridge" /opt/cni/bin/bridge /usr/lib/cni/bridge)")
  mount -t tmpfs tmpfs "$1/scratch"
  mkdir "$1/scratch/cni" "$1/scratch/content"
  mount --bind "$plugins" "$1/scratch/cni"
  mount --bind "$content" "$1/scratch/content"
  for directory in /usr /etc; do changeable "$1/scratch" "$directory"; done
  place "$runc" /usr/local/bin/runc
  place "$init" /usr/local/bin/dagger-init
  for name in legacy nft; do
    xtables=$(command -v "xtables-$name-multi") && [ "$xtables" != "/usr/bin/xtables-$name-multi" ] && place "$xtables" "/usr/bin/xtables-$name-multi"
  done
  mkdir -p /usr/local/share/dagger/content /opt
  mount --bind "$1/scratch/content" /usr/local/share/dagger/content
  mount -t tmpfs tmpfs /opt
  mkdir -p /opt/cni/bin
  for plugin in "$1"/scratch/cni/*; do ln -s "$plugin" /opt/cni/bin/; done
  ln -sf "$dnsname" /opt/cni/bin/dnsname
  mount -t tmpfs tmpfs /run
  rm -f /etc/resolv.conf
  echo 'nameserver 10.0.2.3' > /etc/resolv.conf
  # With little room on the disk it would prune what the tests are about.
  mkdir -p /etc/dagger
  echo '{"gc":{"enabled":false}}' > /etc/dagger/engine.json
  tries=0
  until ip link show tap0 > /dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -le 100 ] || { echo "no network came up" >&2; return 1; }
    sleep 0.1
  done
  TMPDIR=$1/tmp dagger-engine --root "$1/state" --addr "unix://$1/engine.sock" 3<&- > "$1/engine.log" 2>&1 &
  engine=$!
  {
    cat <&3 > /dev/null
    kill -KILL "$engine"
  } &
  exec 3<&-
  wait "$engine"
}

if [ "${2-}" = inside ]; then
  inside "$1"
  exit
fi

exec 3<&0 < /dev/null
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
mkdir -p "$1/scratch" "$1/state" "$1/tmp"
# Should this shell be killed, what it started ends with the pipe that is its stdin.
unshare --mount --net --pid --fork --kill-child=KILL --mount-proc --propagation private sh "$0" "$1" inside <&3 > "$1/start.log" 2>&1 3<&- &
engine=$!
own=$(readlink "/proc/$$/ns/net")
until [ "$(readlink "/proc/$engine/ns/net" || echo "$own")" != "$own" ]; do
  kill -0 "$engine"
  sleep 0.1
done
slirp4netns --configure --mtu=65520 --disable-host-loopback --exit-fd=3 "$engine" tap0 > "$1/network.log" 2>&1 &
network=$!
exec 3<&-
echo "engine $engine"
wait "$engine" || true
kill "$network" 2> /dev/null || true
wait "$network" 2> /dev/null || true
[ -e "$1/engine.sock" ] || tail -n 3 "$1"/*.log >&2
rm -rf "$1"
