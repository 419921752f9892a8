"""A stateful fake of Proxmox VE's command-line tools `qm`, `pct` and `pvesm`.

State lives below `$FAKE_PVE_ROOT` in Proxmox's own file formats; see docs/fake.md. Nothing here imports phoenix.
"""
