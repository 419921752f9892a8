"""Options of `pct`: written by fakes/qm/tools/schema.py, not by hand."""

# ruff: noqa
# mypy: disable-error-code="var-annotated"
# fmt: off
from __future__ import annotations

S0 = {'default': 'amd64', 'enum': ('amd64', 'i386', 'arm64', 'armhf', 'riscv32', 'riscv64'), 'optional': 1,
    'type': 'string'}
S1 = {'default': 'restore limit from datacenter or storage config', 'minimum': 0, 'optional': 1, 'type': 'number'}
S2 = {'default': 'tty', 'enum': ('shell', 'console', 'tty'), 'optional': 1, 'type': 'string'}
S3 = {'default': 1, 'optional': 1, 'type': 'boolean'}
S4 = {'maximum': 8192, 'minimum': 1, 'optional': 1, 'type': 'integer'}
S5 = {'default': 0, 'maximum': 8192, 'minimum': 0, 'optional': 1, 'type': 'number'}
S6 = {'default': 'cgroup v1: 1024, cgroup v2: 100', 'maximum': 500000, 'minimum': 0, 'optional': 1,
    'type': 'integer'}
S7 = {'default': 0, 'optional': 1, 'type': 'boolean'}
S8 = {'maxLength': 8192, 'optional': 1, 'type': 'string'}
S9 = {'minimum': 0, 'optional': 1, 'type': 'integer'}
S10 = {'format': {'deny-write': S7, 'gid': S9, 'mode': {'optional': 1, 'pattern': '0[0-7]{3}', 'type': 'string'},
    'path': {'default_key': 1, 'format_name': 'pve-lxc-dev-string', 'optional': 1, 'type': 'string'}, 'uid': S9},
    'optional': 1, 'type': 'string'}
S11 = {'default': '/sbin/init', 'optional': 1, 'type': 'string'}
S12 = {'optional': 1, 'type': 'string'}
S13 = {'format': {'force_rw_sys': S7, 'fuse': S7, 'keyctl': S7, 'mknod': S7, 'mount': S12, 'nesting': S7},
    'optional': 1, 'type': 'string'}
S14 = {'optional': 1, 'type': 'boolean'}
S15 = {'format_name': 'pve-volume-id', 'optional': 1, 'type': 'string'}
S16 = {'format_name': 'dns-name', 'maxLength': 255, 'optional': 1, 'type': 'string'}
S17 = {'enum': ('backup', 'create', 'destroyed', 'disk', 'fstrim', 'migrate', 'mounted', 'rollback', 'snapshot',
    'snapshot-delete'), 'optional': 1, 'type': 'string'}
S18 = {'default': 512, 'minimum': 16, 'optional': 1, 'type': 'integer'}
S19 = {'optional': 1, 'type': 'string',
    'pattern': '(?:discard|lazytime|noatime|nodev|noexec|nosuid)(?:;(?:discard|lazytime|noatime|nodev|noexec|nosuid))*'}
S20 = {'format_name': 'disk-size', 'optional': 1, 'type': 'string'}
S21 = {'default_key': 1, 'format_name': 'pve-lxc-mp-string', 'type': 'string'}
S22 = {'format': {'acl': S14, 'backup': S14, 'idmap': S12, 'keepattrs': S7, 'mountoptions': S19,
    'mp': {'format_name': 'pve-lxc-mp-string', 'type': 'string'}, 'quota': S14, 'replicate': S3, 'ro': S14,
    'shared': S7, 'size': S20, 'volume': S21}, 'optional': 1, 'type': 'string'}
S23 = {'format_name': 'lxc-ip-with-ll-iface-list', 'optional': 1, 'type': 'string'}
S24 = {'format': {'bridge': {'optional': 1, 'pattern': '[-_.\\w\\d]+', 'type': 'string'}, 'firewall': S14,
    'gw': {'format_name': 'ipv4', 'optional': 1, 'type': 'string'}, 'gw6': {'format_name': 'ipv6', 'optional': 1,
    'type': 'string'}, 'host-managed': S14, 'hwaddr': {'format_name': 'mac-addr', 'optional': 1, 'type': 'string'},
    'ip': {'format_name': 'pve-ipv4-config', 'optional': 1, 'type': 'string'},
    'ip6': {'format_name': 'pve-ipv6-config', 'optional': 1, 'type': 'string'}, 'link_down': S14,
    'mtu': {'maximum': 65535, 'minimum': 64, 'optional': 1, 'type': 'integer'}, 'name': {'pattern': '[-_.\\w\\d]+',
    'type': 'string'}, 'rate': {'optional': 1, 'type': 'number'}, 'tag': {'maximum': 4094, 'minimum': 1,
    'optional': 1, 'type': 'integer'}, 'trunks': {'optional': 1, 'type': 'string',
    'pattern': '\\d+(?:-\\d+)?(?:;\\d+(?:-\\d+)?)*'}, 'type': {'enum': ('veth',), 'optional': 1,
    'type': 'string'}}, 'optional': 1, 'type': 'string'}
S25 = {'maxLength': 255, 'type': 'string'}
S26 = {'enum': ('debian', 'devuan', 'ubuntu', 'centos', 'fedora', 'opensuse', 'archlinux', 'alpine', 'gentoo',
    'nixos', 'unmanaged'), 'optional': 1, 'type': 'string'}
S27 = {'minLength': 5, 'optional': 1, 'type': 'string'}
S28 = {'format_name': 'pve-poolid', 'optional': 1, 'type': 'string'}
S29 = {'format': {'acl': S14, 'idmap': S12, 'mountoptions': S19, 'quota': S14, 'replicate': S3, 'ro': S14,
    'shared': S7, 'size': S20, 'volume': S21}, 'optional': 1, 'type': 'string'}
S30 = {'format_name': 'dns-name-list', 'optional': 1, 'type': 'string'}
S31 = {'format_name': 'pve-startup-order', 'optional': 1, 'type': 'string'}
S32 = {'default': 'local', 'format_name': 'pve-storage-id', 'optional': 1, 'type': 'string'}
S33 = {'default': 512, 'minimum': 0, 'optional': 1, 'type': 'integer'}
S34 = {'format_name': 'pve-tag-list', 'optional': 1, 'type': 'string'}
S35 = {'format_name': 'pve-ct-timezone', 'optional': 1, 'type': 'string'}
S36 = {'default': 2, 'maximum': 6, 'minimum': 0, 'optional': 1, 'type': 'integer'}
S37 = {'optional': 1, 'requires': 'restore', 'type': 'boolean'}
S38 = {'format': {'volume': {'default_key': 1, 'format_name': 'pve-volume-id', 'type': 'string'}}, 'optional': 1,
    'type': 'string'}
S39 = {'format_name': 'pve-vmid', 'maximum': 999999999, 'minimum': 100, 'type': 'integer'}
S40 = {'format_name': 'pve-configid-list', 'optional': 1, 'type': 'string'}

COMMANDS = {
    'create': {'positional': ('vmid', 'ostemplate'), 'options': {'arch': S0, 'bwlimit': S1, 'cmode': S2,
    'console': S3, 'cores': S4, 'cpulimit': S5, 'cpuunits': S6, 'debug': S7, 'description': S8, 'dev[0-255]': S10,
    'entrypoint': S11, 'env': S12, 'features': S13, 'force': S14, 'ha-managed': S7, 'hookscript': S15,
    'hostname': S16, 'ignore-unpack-errors': S14, 'lock': S17, 'memory': S18, 'mp[0-255]': S22, 'nameserver': S23,
    'net[0-31]': S24, 'onboot': S7, 'ostemplate': S25, 'ostype': S26, 'password': S27, 'pool': S28,
    'protection': S7, 'restore': S14, 'rootfs': S29, 'searchdomain': S30, 'ssh-public-keys': S12, 'start': S7,
    'startup': S31, 'storage': S32, 'swap': S33, 'tags': S34, 'template': S7, 'timezone': S35, 'tty': S36,
    'unique': S37, 'unprivileged': S7, 'unused[0-255]': S38, 'vmid': S39}},
    'restore': {'positional': ('vmid', 'ostemplate'), 'options': {'arch': S0, 'bwlimit': S1, 'cmode': S2,
    'console': S3, 'cores': S4, 'cpulimit': S5, 'cpuunits': S6, 'debug': S7, 'description': S8, 'dev[0-255]': S10,
    'entrypoint': S11, 'env': S12, 'features': S13, 'force': S14, 'ha-managed': S7, 'hookscript': S15,
    'hostname': S16, 'ignore-unpack-errors': S14, 'lock': S17, 'memory': S18, 'mp[0-255]': S22, 'nameserver': S23,
    'net[0-31]': S24, 'onboot': S7, 'ostemplate': S25, 'ostype': S26, 'password': S27, 'pool': S28,
    'protection': S7, 'rootfs': S29, 'searchdomain': S30, 'ssh-public-keys': S12, 'start': S7, 'startup': S31,
    'storage': S32, 'swap': S33, 'tags': S34, 'template': S7, 'timezone': S35, 'tty': S36, 'unique': S37,
    'unprivileged': S7, 'unused[0-255]': S38, 'vmid': S39}},
    'set': {'positional': ('vmid',), 'options': {'arch': S0, 'cmode': S2, 'console': S3, 'cores': S4,
    'cpulimit': S5, 'cpuunits': S6, 'debug': S7, 'delete': S40, 'description': S8, 'dev[0-255]': S10,
    'digest': {'maxLength': 40, 'optional': 1, 'type': 'string'}, 'entrypoint': S11, 'env': S12, 'features': S13,
    'hookscript': S15, 'hostname': S16, 'lock': S17, 'memory': S18, 'mp[0-255]': S22, 'nameserver': S23,
    'net[0-31]': S24, 'onboot': S7, 'ostype': S26, 'protection': S7, 'revert': S40, 'rootfs': S29,
    'searchdomain': S30, 'startup': S31, 'swap': S33, 'tags': S34, 'template': S7, 'timezone': S35, 'tty': S36,
    'unprivileged': S7, 'unused[0-255]': S38, 'vmid': S39}},
}
