#!/bin/sh
# Start ringspool.fcgi under spawn-fcgi, for systems without systemd.
#
#   spawn-fcgi.sh            as root; the processes go to the background, their
#                            process ids to $PIDFILE
#   kill $(cat /run/ringspool/ringspool.pids)     stops them
#
# Every value can come from the environment instead. One socket is shared by
# all processes, so that one may end while the others serve. spawn-fcgi sends
# their standard error to /dev/null: hence RINGSPOOL_LOG=syslog.
set -eu

SOCKET=${SOCKET:-/run/ringspool/ringspool.sock}
PIDFILE=${PIDFILE:-/run/ringspool/ringspool.pids}
PROGRAM=${PROGRAM:-/usr/bin/ringspool.fcgi}
PROCESSES=${PROCESSES:-4}
SERVICE_USER=${SERVICE_USER:-ringspool}
SERVICE_GROUP=${SERVICE_GROUP:-ringspool}
WEB_GROUP=${WEB_GROUP:-www-data}
RINGSPOOL_LOG=${RINGSPOOL_LOG:-syslog}
export RINGSPOOL_LOG

running=$(cat "$PIDFILE" 2>/dev/null || true)
# shellcheck disable=SC2086 # one process id a line
if [ -n "$running" ] && kill -0 $running 2>/dev/null; then
    echo "spawn-fcgi.sh: running already; stop them with: kill \$(cat $PIDFILE)" >&2
    exit 69
fi
# /run is empty after a reboot.
mkdir -p "$(dirname "$SOCKET")" "$(dirname "$PIDFILE")"

exec spawn-fcgi -s "$SOCKET" -M 0660 -U "$SERVICE_USER" -G "$WEB_GROUP" \
    -u "$SERVICE_USER" -g "$SERVICE_GROUP" -F "$PROCESSES" -P "$PIDFILE" \
    -- "$PROGRAM" "$@"
