# Runs a page's commands as root on this machine's Debian as it came, in namespaces of its own: whatever they write, listen on and
# start is gone at the end. Systemd does not run here; `systemctl` starts a unit's command in its folder as its user.
# Arguments: the folder to work in, the commands' file, penutup-fleet, nats-server, more addresses of the loopback.
set -eu
here=$1 commands=$2 program=$3 server=$4
shift 4
mount --make-rprivate /
mount -t tmpfs scratch /mnt
for folder in etc usr var; do
    mkdir -p "/mnt/$folder/upper" "/mnt/$folder/work"
    mount -t overlay overlay -o "lowerdir=/$folder,upperdir=/mnt/$folder/upper,workdir=/mnt/$folder/work" "/$folder"
done
mount -t tmpfs run /run
mkdir -p /run/postgresql /run/units
chown postgres: /run/postgresql
ip link set lo up
hostname nats-1
for name in "$@"; do
    ip addr add "${name%%=*}/32" dev lo
    echo "${name%%=*} ${name##*=}" >> /etc/hosts
done
touch /usr/bin/penutup-fleet /usr/sbin/nats-server
mount --bind "$program" /usr/bin/penutup-fleet
[ "$server" -ef /usr/sbin/nats-server ] || mount --bind "$server" /usr/sbin/nats-server
version=$(ls /usr/lib/postgresql | sort -V | tail -n 1)
rm -rf /etc/postgresql/* /var/lib/postgresql/*
install -d -o postgres /var/lib/postgresql
pg_createcluster "$version" main >/dev/null
pg_ctlcluster "$version" main start

mkdir /run/bin
cat > /run/bin/systemctl <<'SYSTEMCTL'
#!/bin/sh
set -eu
verb=$1
shift
[ "${1:-}" != --now ] || shift
[ "$verb" != daemon-reload ] || exit 0
unit=/etc/systemd/system/$1.service pid=/run/units/$1
value() { sed -n "s/^$1=//p" "$unit" | sed "s/%H/$(hostname)/g"; }
case $verb in
enable | start | restart)
    if [ -e "$pid" ]; then kill "$(cat "$pid")" && tail --pid "$(cat "$pid")" -f /dev/null; fi
    user=$(value User) state=$(value StateDirectory) folder=$(value WorkingDirectory)
    if [ -n "$state" ]; then install -d -o "$user" -m 0700 "/var/lib/$state"; fi
    cd "${folder:-/}"
    env $(value Environment) setpriv --reuid "$user" --regid "$user" --init-groups -- $(value ExecStart) > "/run/units/$1.log" 2>&1 &
    echo $! > "$pid" ;;
reload) kill -HUP "$(cat "$pid")" ;;
disable | stop) if [ -e "$pid" ]; then kill "$(cat "$pid")" && tail --pid "$(cat "$pid")" -f /dev/null && rm "$pid"; fi ;;
*) echo "systemctl $verb?" >&2; exit 2 ;;
esac
SYSTEMCTL
chmod +x /run/bin/systemctl
export PATH="/run/bin:$PATH" PENUTUP_LANG=en
# What the units said explains a failure.
trap '[ "$?" = 0 ] || tail -n 20 /run/units/*.log >&2' EXIT
cd "$here"
. "$commands"
