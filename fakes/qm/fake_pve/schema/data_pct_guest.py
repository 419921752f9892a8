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
S12 = {'optional': 1, 'type': 'string', 'pattern': '(?:\\w+=[^\\x00-\\x1f\\x7f]*(?:\\0\\w+=[^\\x00-\\x1f\\x7f]*)*)'}
S13 = {'optional': 1, 'type': 'string'}
S14 = {'format': {'force_rw_sys': S7, 'fuse': S7, 'keyctl': S7, 'mknod': S7, 'mount': S13, 'nesting': S7},
    'optional': 1, 'type': 'string'}
S15 = {'optional': 1, 'type': 'boolean'}
S16 = {'format_name': 'pve-volume-id', 'optional': 1, 'type': 'string'}
S17 = {'format_name': 'dns-name', 'maxLength': 255, 'optional': 1, 'type': 'string'}
S18 = {'enum': ('backup', 'create', 'destroyed', 'disk', 'fstrim', 'migrate', 'mounted', 'rollback', 'snapshot',
    'snapshot-delete'), 'optional': 1, 'type': 'string'}
S19 = {'default': 512, 'minimum': 16, 'optional': 1, 'type': 'integer'}
S20 = {'optional': 1, 'type': 'string', 'pattern': '(?:passthrough|[ug]:\\d+:\\d+:\\d+(?:;[ug]:\\d+:\\d+:\\d+)*)'}
S21 = {'optional': 1, 'type': 'string',
    'pattern': '(?:discard|lazytime|noatime|nodev|noexec|nosuid)(?:;(?:discard|lazytime|noatime|nodev|noexec|nosuid))*'}
S22 = {'format_name': 'disk-size', 'optional': 1, 'type': 'string'}
S23 = {'default_key': 1, 'format_name': 'pve-lxc-mp-string', 'type': 'string'}
S24 = {'format': {'acl': S15, 'backup': S15, 'idmap': S20, 'keepattrs': S7, 'mountoptions': S21,
    'mp': {'format_name': 'pve-lxc-mp-string', 'type': 'string'}, 'quota': S15, 'replicate': S3, 'ro': S15,
    'shared': S7, 'size': S22, 'volume': S23}, 'optional': 1, 'type': 'string'}
S25 = {'format_name': 'lxc-ip-with-ll-iface-list', 'optional': 1, 'type': 'string'}
S26 = {'format': {'bridge': {'optional': 1, 'pattern': '[-_.\\w\\d]+', 'type': 'string'}, 'firewall': S15,
    'gw': {'format_name': 'ipv4', 'optional': 1, 'type': 'string'}, 'gw6': {'format_name': 'ipv6', 'optional': 1,
    'type': 'string'}, 'host-managed': S15, 'hwaddr': {'format_name': 'mac-addr', 'optional': 1, 'type': 'string'},
    'ip': {'format_name': 'pve-ipv4-config', 'optional': 1, 'type': 'string'},
    'ip6': {'format_name': 'pve-ipv6-config', 'optional': 1, 'type': 'string'}, 'link_down': S15,
    'mtu': {'maximum': 65535, 'minimum': 64, 'optional': 1, 'type': 'integer'}, 'name': {'pattern': '[-_.\\w\\d]+',
    'type': 'string'}, 'rate': {'optional': 1, 'type': 'number'}, 'tag': {'maximum': 4094, 'minimum': 1,
    'optional': 1, 'type': 'integer'}, 'trunks': {'optional': 1, 'type': 'string',
    'pattern': '\\d+(?:-\\d+)?(?:;\\d+(?:-\\d+)?)*'}, 'type': {'enum': ('veth',), 'optional': 1,
    'type': 'string'}}, 'optional': 1, 'type': 'string'}
S27 = {'maxLength': 255, 'type': 'string'}
S28 = {'enum': ('debian', 'devuan', 'ubuntu', 'centos', 'fedora', 'opensuse', 'archlinux', 'alpine', 'gentoo',
    'nixos', 'unmanaged'), 'optional': 1, 'type': 'string'}
S29 = {'minLength': 5, 'optional': 1, 'type': 'string'}
S30 = {'format_name': 'pve-poolid', 'optional': 1, 'type': 'string'}
S31 = {'format': {'acl': S15, 'idmap': S20, 'mountoptions': S21, 'quota': S15, 'replicate': S3, 'ro': S15,
    'shared': S7, 'size': S22, 'volume': S23}, 'optional': 1, 'type': 'string'}
S32 = {'format_name': 'dns-name-list', 'optional': 1, 'type': 'string'}
S33 = {'format_name': 'pve-startup-order', 'optional': 1, 'type': 'string'}
S34 = {'default': 'local', 'format_name': 'pve-storage-id', 'optional': 1, 'type': 'string'}
S35 = {'default': 512, 'minimum': 0, 'optional': 1, 'type': 'integer'}
S36 = {'format_name': 'pve-tag-list', 'optional': 1, 'type': 'string'}
S37 = {'format_name': 'pve-ct-timezone', 'optional': 1, 'type': 'string'}
S38 = {'default': 2, 'maximum': 6, 'minimum': 0, 'optional': 1, 'type': 'integer'}
S39 = {'optional': 1, 'requires': 'restore', 'type': 'boolean'}
S40 = {'format': {'volume': {'default_key': 1, 'format_name': 'pve-volume-id', 'type': 'string'}}, 'optional': 1,
    'type': 'string'}
S41 = {'format_name': 'pve-vmid', 'maximum': 999999999, 'minimum': 100, 'type': 'integer'}
S42 = {'format_name': 'pve-configid-list', 'optional': 1, 'type': 'string'}

COMMANDS = {
    'create': {'positional': ('vmid', 'ostemplate'), 'options': {'arch': S0, 'bwlimit': S1, 'cmode': S2,
    'console': S3, 'cores': S4, 'cpulimit': S5, 'cpuunits': S6, 'debug': S7, 'description': S8, 'dev[0-255]': S10,
    'entrypoint': S11, 'env': S12, 'features': S14, 'force': S15, 'ha-managed': S7, 'hookscript': S16,
    'hostname': S17, 'ignore-unpack-errors': S15, 'lock': S18, 'memory': S19, 'mp[0-255]': S24, 'nameserver': S25,
    'net[0-31]': S26, 'onboot': S7, 'ostemplate': S27, 'ostype': S28, 'password': S29, 'pool': S30,
    'protection': S7, 'restore': S15, 'rootfs': S31, 'searchdomain': S32, 'ssh-public-keys': S13, 'start': S7,
    'startup': S33, 'storage': S34, 'swap': S35, 'tags': S36, 'template': S7, 'timezone': S37, 'tty': S38,
    'unique': S39, 'unprivileged': S7, 'unused[0-255]': S40, 'vmid': S41}},
    'restore': {'positional': ('vmid', 'ostemplate'), 'options': {'arch': S0, 'bwlimit': S1, 'cmode': S2,
    'console': S3, 'cores': S4, 'cpulimit': S5, 'cpuunits': S6, 'debug': S7, 'description': S8, 'dev[0-255]': S10,
    'entrypoint': S11, 'env': S12, 'features': S14, 'force': S15, 'ha-managed': S7, 'hookscript': S16,
    'hostname': S17, 'ignore-unpack-errors': S15, 'lock': S18, 'memory': S19, 'mp[0-255]': S24, 'nameserver': S25,
    'net[0-31]': S26, 'onboot': S7, 'ostemplate': S27, 'ostype': S28, 'password': S29, 'pool': S30,
    'protection': S7, 'rootfs': S31, 'searchdomain': S32, 'ssh-public-keys': S13, 'start': S7, 'startup': S33,
    'storage': S34, 'swap': S35, 'tags': S36, 'template': S7, 'timezone': S37, 'tty': S38, 'unique': S39,
    'unprivileged': S7, 'unused[0-255]': S40, 'vmid': S41}},
    'set': {'positional': ('vmid',), 'options': {'arch': S0, 'cmode': S2, 'console': S3, 'cores': S4,
    'cpulimit': S5, 'cpuunits': S6, 'debug': S7, 'delete': S42, 'description': S8, 'dev[0-255]': S10,
    'digest': {'maxLength': 40, 'optional': 1, 'type': 'string'}, 'entrypoint': S11, 'env': S12, 'features': S14,
    'hookscript': S16, 'hostname': S17, 'lock': S18, 'memory': S19, 'mp[0-255]': S24, 'nameserver': S25,
    'net[0-31]': S26, 'onboot': S7, 'ostype': S28, 'protection': S7, 'revert': S42, 'rootfs': S31,
    'searchdomain': S32, 'startup': S33, 'swap': S35, 'tags': S36, 'template': S7, 'timezone': S37, 'tty': S38,
    'unprivileged': S7, 'unused[0-255]': S40, 'vmid': S41}},
}
