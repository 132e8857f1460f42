#!/bin/sh
# For Debian's webhook: the body and its uuid are the arguments.
set -eu
case $2 in
*[!A-Za-z0-9-]*) exit 1 ;;
esac
part=$SPOOL/tmp/$2
printf %s "$1" >"$part"
sync "$part"
mv "$part" "$SPOOL/new/$2.json"
sync "$SPOOL/new"
