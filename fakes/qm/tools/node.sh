# Sourced by demo.sh and shell.sh: a fresh fake node in a temporary folder, the fakes and phoenix.py on PATH.
# Where this machine can run guests that are entered by SSH, they are. Unless $PHOENIX_CONFIG_DIR is set, the
# configuration is a copy of config/ in $home, which may be changed; where guests are entered it has a key of its own.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
FAKE_PVE_ROOT=$(mktemp -d "${TMPDIR:-/tmp}/pve1.XXXXXX")
home=$(mktemp -d "${TMPDIR:-/tmp}/pve1-you.XXXXXX")
fake() { PYTHONPATH="$here/fakes/qm" "$here/.venv/bin/python" -m "fake_pve.$@"; }
guests() { PYTHONPATH="$here/fakes/qm" "$here/.venv/bin/python" -c \
  'import os; from fake_pve.node import default_guest; print(default_guest(os.environ))'; }
leave() {
  [ "$FAKE_PVE_GUEST" = none ] || fake guests.sweep "$FAKE_PVE_ROOT" >/dev/null
  [ -z "${agent:-}" ] || kill "$agent"
  rm -rf "$FAKE_PVE_ROOT" "$home"
}
export FAKE_PVE_ROOT FAKE_PVE_NODE=pve1 FAKE_PVE_GUEST="${FAKE_PVE_GUEST:-$(guests)}"
export PHOENIX_NODE_ROOT=$FAKE_PVE_ROOT PATH="$here/fakes/qm/bin:$here:$PATH"
trap leave EXIT
for tool in qm pct pvesm; do # else a real one would be taken in its place
  [ -x "$here/fakes/qm/bin/$tool" ] || { echo "$here/fakes/qm/bin/$tool cannot be executed" >&2; exit 1; }
done
fake seed "$FAKE_PVE_ROOT" >/dev/null

own=${PHOENIX_CONFIG_DIR:-}
key=
if [ "$FAKE_PVE_GUEST" != none ]; then
  printf -v PHOENIX_GUEST_PROXY_COMMAND 'env FAKE_PVE_ROOT=%q FAKE_PVE_NODE=pve1 FAKE_PVE_GUEST=%q %q {id}' \
    "$FAKE_PVE_ROOT" "$FAKE_PVE_GUEST" "$here/fakes/qm/bin/guest-connect"
  export PHOENIX_GUEST_PROXY_COMMAND XDG_STATE_HOME=$home/state
  if [ -z "$own" ]; then
    ssh-keygen -q -t ed25519 -N '' -C you@pve1 -f "$home/key"
    eval "$(ssh-agent -s)" >/dev/null
    agent=$SSH_AGENT_PID
    ssh-add -q "$home/key"
    key=$home/key.pub
  fi
fi
if [ -z "$own" ]; then
  export PHOENIX_CONFIG_DIR=$home/config
  "$here/.venv/bin/python" "$here/fakes/qm/tools/with_key.py" "$here/config" "$PHOENIX_CONFIG_DIR" ${key:+"$key"}
fi
