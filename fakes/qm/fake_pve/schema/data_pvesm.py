"""Options of `pvesm`: written by fakes/qm/tools/schema.py, not by hand."""

# ruff: noqa
# mypy: disable-error-code="var-annotated"
# fmt: off
from __future__ import annotations

S0 = {'type': 'string'}
S1 = {'format_name': 'pve-storage-id', 'type': 'string'}
S2 = {'positional': (), 'options': {}}
S3 = {'maxLength': 40, 'optional': 1, 'type': 'string'}
S4 = {'enum': ('raw+size', 'tar+size', 'qcow2+size', 'vmdk+size', 'zfs', 'btrfs'), 'type': 'string'}
S5 = {'default': 0, 'optional': 1, 'type': 'boolean'}
S6 = {'format_name': 'pve-storage-id', 'optional': 1, 'type': 'string'}
S7 = {'format_name': 'pve-vmid', 'maximum': 999999999, 'minimum': 100, 'optional': 1, 'type': 'integer'}
S8 = {'optional': 1, 'type': 'boolean'}
S9 = {'minimum': 0, 'optional': 1, 'type': 'integer'}
S10 = {'optional': 1, 'type': 'string'}
S11 = {'format_name': 'pve-storage-server', 'type': 'string'}

COMMANDS = {
    'alloc': {'positional': ('storage', 'vmid', 'filename', 'size'), 'options': {'filename': S0,
    'format': {'enum': ('raw', 'qcow2', 'subvol', 'vmdk'), 'optional': 1, 'requires': 'size', 'type': 'string'},
    'size': {'pattern': '\\d+[MG]?', 'type': 'string'}, 'storage': S1, 'vmid': {'format_name': 'pve-vmid',
    'maximum': 999999999, 'minimum': 100, 'type': 'integer'}}},
    'apiinfo': S2,
    'export': {'positional': ('volume', 'format', 'filename'), 'options': {'base': S3, 'filename': S0,
    'format': S4, 'snapshot': S3, 'snapshot-list': {'format_name': 'string-list', 'optional': 1, 'type': 'string'},
    'volume': S0, 'with-snapshots': S5}},
    'extractconfig': {'positional': ('volume',), 'options': {'volume': S0}},
    'free': {'positional': ('volume',), 'options': {'delay': {'maximum': 30, 'minimum': 1, 'optional': 1,
    'type': 'integer'}, 'storage': S6, 'volume': S0}},
    'import': {'positional': ('volume', 'format', 'filename'), 'options': {'allow-rename': S5, 'base': S3,
    'delete-snapshot': {'maxLength': 80, 'optional': 1, 'type': 'string'}, 'filename': S0, 'format': S4,
    'snapshot': S3, 'volume': S0, 'with-snapshots': S5}},
    'list': {'positional': ('storage',), 'options': {'content': {'format_name': 'pve-storage-content',
    'optional': 1, 'type': 'string'}, 'storage': S1, 'vmid': S7}},
    'path': {'positional': ('volume',), 'options': {'volume': {'format_name': 'pve-volume-id', 'type': 'string'}}},
    'prune-backups': {'positional': ('storage',), 'options': {'dry-run': S8, 'keep-all': S8, 'keep-daily': S9,
    'keep-hourly': S9, 'keep-last': S9, 'keep-monthly': S9, 'keep-weekly': S9, 'keep-yearly': S9, 'storage': S1,
    'type': {'enum': ('qemu', 'lxc'), 'optional': 1, 'type': 'string'}, 'vmid': S7}},
    'remove': {'positional': ('storage',), 'options': {'storage': S1}},
    'scan cifs': {'positional': ('server',), 'options': {'domain': S10, 'password': S10, 'server': S11,
    'username': S10}},
    'scan iscsi': {'positional': ('portal',), 'options': {'portal': {'format_name': 'pve-storage-portal-dns',
    'type': 'string'}}},
    'scan lvm': S2,
    'scan lvmthin': {'positional': ('vg',), 'options': {'vg': {'maxLength': 100,
    'pattern': '[a-zA-Z0-9\\.\\+\\_][a-zA-Z0-9\\.\\+\\_\\-]+', 'type': 'string'}}},
    'scan nfs': {'positional': ('server',), 'options': {'server': S11}},
    'scan pbs': {'positional': ('server', 'username'), 'options': {'fingerprint': {'optional': 1,
    'pattern': '([A-Fa-f0-9]{2}:){31}[A-Fa-f0-9]{2}', 'type': 'string'}, 'password': S0, 'port': {'default': 8007,
    'maximum': 65535, 'minimum': 1, 'optional': 1, 'type': 'integer'}, 'server': S11, 'username': S0}},
    'scan zfs': S2,
    'status': {'positional': (), 'options': {'content': {'format_name': 'pve-storage-content-list', 'optional': 1,
    'type': 'string'}, 'enabled': S5, 'format': S5, 'storage': S6, 'target': {'format_name': 'pve-node',
    'optional': 1, 'type': 'string'}}},
}

ALIASES = {
    'cifsscan': 'scan cifs',
    'iscsiscan': 'scan iscsi',
    'lvmscan': 'scan lvm',
    'lvmthinscan': 'scan lvmthin',
    'nfsscan': 'scan nfs',
    'zfsscan': 'scan zfs',
}
