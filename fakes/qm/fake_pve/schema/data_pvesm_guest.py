"""Options of `pvesm`: written by fakes/qm/tools/schema.py, not by hand."""

# ruff: noqa
# mypy: disable-error-code="var-annotated"
# fmt: off
from __future__ import annotations

S0 = {'optional': 1, 'type': 'string'}
S1 = {'format_name': 'pve-storage-zfs-blocksize', 'optional': 1, 'type': 'string'}
S2 = {'minimum': 0, 'optional': 1, 'type': 'number'}
S3 = {'format': {'clone': S2, 'default': S2, 'migration': S2, 'move': S2, 'restore': S2}, 'optional': 1,
    'type': 'string'}
S4 = {'format_name': 'pve-storage-content-list', 'optional': 1, 'type': 'string'}
S5 = {'format_name': 'pve-dir-override-list', 'optional': 1, 'type': 'string'}
S6 = {'default': 'yes', 'optional': 1, 'type': 'boolean'}
S7 = {'optional': 1, 'type': 'boolean'}
S8 = {'maxLength': 256, 'optional': 1, 'type': 'string'}
S9 = {'format_name': 'pve-storage-path', 'optional': 1, 'type': 'string'}
S10 = {'optional': 1, 'pattern': '([A-Fa-f0-9]{2}:){31}[A-Fa-f0-9]{2}', 'type': 'string'}
S11 = {'enum': ('raw', 'qcow2', 'subvol', 'vmdk'), 'optional': 1, 'type': 'string'}
S12 = {'format_name': 'pve-configid', 'optional': 1, 'type': 'string'}
S13 = {'default': 'no', 'optional': 1, 'type': 'string'}
S14 = {'default': 0, 'optional': 1, 'type': 'boolean'}
S15 = {'default': 'Unlimited for users with Datastore.Allocate privilege, 5 for other users', 'minimum': -1,
    'optional': 1, 'type': 'integer'}
S16 = {'format_name': 'pve-storage-portal-dns-list', 'optional': 1, 'type': 'string'}
S17 = {'format_name': 'pve-node-list', 'optional': 1, 'type': 'string'}
S18 = {'format_name': 'pve-storage-options', 'optional': 1, 'type': 'string'}
S19 = {'maximum': 65535, 'minimum': 1, 'optional': 1, 'type': 'integer'}
S20 = {'default': 'metadata', 'enum': ('off', 'metadata', 'falloc', 'full'), 'optional': 1, 'type': 'string'}
S21 = {'minimum': 0, 'optional': 1, 'type': 'integer'}
S22 = {'format': {'keep-all': S7, 'keep-daily': S21, 'keep-hourly': S21, 'keep-last': S21, 'keep-monthly': S21,
    'keep-weekly': S21, 'keep-yearly': S21}, 'format_name': 'prune-backups', 'optional': 1, 'type': 'string'}
S23 = {'default': 32, 'enum': ('1', '2', '4', '8', '16', '32'), 'optional': 1, 'type': 'integer'}
S24 = {'format_name': 'pve-storage-server', 'optional': 1, 'type': 'string'}
S25 = {'default': 'false', 'optional': 1, 'type': 'boolean'}
S26 = {'default': 'default', 'enum': ('default', '2.0', '2.1', '3', '3.0', '3.11'), 'optional': 1, 'type': 'string'}
S27 = {'format_name': 'pve-storage-id', 'type': 'string'}
S28 = {'format_name': 'pve-storage-vgname', 'optional': 1, 'type': 'string'}

COMMANDS = {
    'add': {'positional': ('type', 'storage'), 'options': {'authsupported': S0,
    'base': {'format_name': 'pve-volume-id', 'optional': 1, 'type': 'string'}, 'blocksize': S1, 'bwlimit': S3,
    'comstar_hg': S0, 'comstar_tg': S0, 'content': S4, 'content-dirs': S5, 'create-base-path': S6,
    'create-subdirs': S6, 'data-pool': S0, 'datastore': S0, 'disable': S7, 'domain': S8, 'encryption-key': S0,
    'export': S9, 'fingerprint': S10, 'format': S11, 'fs-name': S12, 'fuse': S7, 'is_mountpoint': S13,
    'iscsiprovider': S0, 'keyring': S0, 'krbd': S14, 'lio_tpg': S0, 'master-pubkey': S0,
    'max-protected-backups': S15, 'mkdir': S6, 'monhost': S16, 'mountpoint': S9, 'namespace': S0, 'nocow': S14,
    'nodes': S17, 'nowritecache': S7, 'options': S18, 'password': S8, 'path': S9, 'pool': S0, 'port': S19,
    'portal': {'format_name': 'pve-storage-portal-dns', 'optional': 1, 'type': 'string'}, 'preallocation': S20,
    'prune-backups': S22, 'saferemove': S7, 'saferemove-stepsize': S23, 'saferemove_throughput': S0, 'server': S24,
    'share': S0, 'shared': S7, 'skip-cert-verification': S25, 'smbversion': S26, 'snapshot-as-volume-chain': S14,
    'sparse': S7, 'storage': S27, 'subdir': S9, 'tagged_only': S7, 'target': S0, 'thinpool': S28,
    'type': {'enum': ('btrfs', 'cephfs', 'cifs', 'dir', 'esxi', 'iscsi', 'iscsidirect', 'lvm', 'lvmthin', 'nfs',
    'pbs', 'rbd', 'zfs', 'zfspool'), 'type': 'string'}, 'username': S0, 'vgname': S28, 'zfs-base-path': S9}},
    'set': {'positional': ('storage',), 'options': {'blocksize': S1, 'bwlimit': S3, 'comstar_hg': S0,
    'comstar_tg': S0, 'content': S4, 'content-dirs': S5, 'create-base-path': S6, 'create-subdirs': S6,
    'data-pool': S0, 'delete': {'format_name': 'pve-configid-list', 'maxLength': 4096, 'optional': 1,
    'type': 'string'}, 'digest': {'maxLength': 64, 'optional': 1, 'type': 'string'}, 'disable': S7, 'domain': S8,
    'encryption-key': S0, 'fingerprint': S10, 'format': S11, 'fs-name': S12, 'fuse': S7, 'is_mountpoint': S13,
    'keyring': S0, 'krbd': S14, 'lio_tpg': S0, 'master-pubkey': S0, 'max-protected-backups': S15, 'mkdir': S6,
    'monhost': S16, 'mountpoint': S9, 'namespace': S0, 'nocow': S14, 'nodes': S17, 'nowritecache': S7,
    'options': S18, 'password': S8, 'pool': S0, 'port': S19, 'preallocation': S20, 'prune-backups': S22,
    'saferemove': S7, 'saferemove-stepsize': S23, 'saferemove_throughput': S0, 'server': S24, 'shared': S7,
    'skip-cert-verification': S25, 'smbversion': S26, 'snapshot-as-volume-chain': S14, 'sparse': S7,
    'storage': S27, 'subdir': S9, 'tagged_only': S7, 'username': S0, 'zfs-base-path': S9}},
}
