#!/bin/sh
# Installs those of the named Debian packages that are missing; needs root only
# if there are any.  Web servers that come with them are neither started nor
# enabled at boot.
set -eu

left=$#
while [ "$left" -gt 0 ]; do
	case $(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null) in
	ii*) ;;
	*) set -- "$@" "$1" ;;
	esac
	shift
	left=$((left - 1))
done
[ $# -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "missing packages; as root: apt-get install $*" >&2
	exit 69
fi

policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	trap 'rm -f $policy' EXIT
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
fi
echo "installing $*"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! { apt-get update && apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
	cat "$log" >&2
	rm -f "$log"
	exit 1
fi
rm -f "$log"
for package in "$@"; do
	case $package in
	apache2 | lighttpd) update-rc.d "$package" disable >/dev/null 2>&1 ;;
	nginx-light) update-rc.d nginx disable >/dev/null 2>&1 ;;
	esac
done
