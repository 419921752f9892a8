#!/usr/bin/env bash
# A shell to play in: qm, pct, pvesm and phoenix.py on PATH, a fresh fake node that goes away with the shell.
set -eu
. "$(dirname "$0")/node.sh"
cat <<EOF
A fresh fake node in $FAKE_PVE_ROOT
It goes when you leave this shell (exit).

  phoenix.py plan 8001      what would be done      qm list, qm config 8001,
  phoenix.py create 8001    do it                   pct list, pvesm status
  phoenix.py delete 8001    undo it                 as on a node

EOF
if [ "$FAKE_PVE_GUEST" = none ]; then
  echo 'Its guests are power states only; with `make guest-image` they can be entered.'
else
  echo '  phoenix.py ssh 8001       enter it                phoenix.py create 8001 --verify'
fi
echo
if [ -n "$own" ]; then
  echo "The configuration that counts is yours: $PHOENIX_CONFIG_DIR"
  cd "$here"
else
  echo "The configuration that counts is config/ here, a copy of the checkout's:"
  echo "  $PHOENIX_CONFIG_DIR"
  echo 'Change it as you like: it goes with this shell.'
  cd "$home"
fi
echo 'Every call is in $FAKE_PVE_ROOT/var/log/fake-pve/journal.jsonl'
echo
# The alias is for the hints, which say `phoenix`.
rc=$(mktemp); printf '[ -f ~/.bashrc ] && . ~/.bashrc\nPATH=%q:$PATH\nalias phoenix=phoenix.py\nPS1="(pve1) \\W \\$ "\n' "$here/fakes/qm/bin:$here" >"$rc"
bash --rcfile "$rc" -i || true
rm -f "$rc"
