#!/usr/bin/env bash
# The main job on an embedded fake node: create a VM, create it again, look at it, delete it.
set -eu
. "$(dirname "$0")/node.sh"

bold='' plain=''
[ -t 1 ] && bold=$(printf '\033[1m') plain=$(printf '\033[0m')
say() { printf '\n%s$ %s%s\n' "$bold" "$*" "$plain"; "$@"; }

echo "A fake Proxmox VE node lives in $FAKE_PVE_ROOT while this runs."
[ "$FAKE_PVE_GUEST" != none ] || echo "Its guests are power states only: nobody can log in, all else is as with real ones."
cd "$here"
say phoenix.py create 8001
say phoenix.py create 8001
say phoenix.py status 8001
if [ "$FAKE_PVE_GUEST" != none ]; then
  say phoenix.py create 8001 --verify
  say phoenix.py -q ssh 8001 -- id
fi
say qm config 8001
say phoenix.py delete 8001 --yes
say phoenix.py list
