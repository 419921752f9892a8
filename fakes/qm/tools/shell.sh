#!/usr/bin/env bash
# A shell to play in: qm, pct, pvesm and phoenix.py on PATH, a fresh fake node that goes away with the shell.
set -eu
. "$(dirname "$0")/node.sh"
cat <<EOF
A fresh fake node in $FAKE_PVE_ROOT; it goes when you leave this shell (exit).

  phoenix.py plan 8001        what would be done        qm list, qm config 8001     as on a node
  phoenix.py create 8001      do it                     pvesm status                its storages
  phoenix.py delete 8001      undo it                   cat \$FAKE_PVE_ROOT/var/log/fake-pve/journal.jsonl

EOF
if [ "$FAKE_PVE_GUEST" = none ]; then
  echo 'Its guests are power states only; with `make guest-image` they can be entered by SSH.'
else
  echo '  phoenix.py ssh 8001         enter it                  phoenix.py create 8001 --verify'
fi
echo
cd "$here"
rc=$(mktemp); printf '[ -f ~/.bashrc ] && . ~/.bashrc\nPATH=%q:$PATH\nPS1="(pve1) \\$ "\n' "$here/fakes/qm/bin:$here" >"$rc"
bash --rcfile "$rc" -i || true
rm -f "$rc"
