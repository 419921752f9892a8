"""Options of `qm`: written by fakes/qm/tools/schema.py, not by hand."""

# ruff: noqa
# mypy: disable-error-code="var-annotated"
# fmt: off
from __future__ import annotations

S0 = {'default': 1, 'optional': 1, 'type': 'boolean'}
S1 = {'format_name': 'pve-cpuset', 'optional': 1, 'type': 'string'}
S2 = {'alias': 'freeze-fs'}
S3 = {'default': 0, 'optional': 1, 'type': 'boolean'}
S4 = {'format': {'enabled': {'default': 0, 'default_key': 1, 'type': 'boolean'}, 'freeze-fs': S0,
    'freeze-fs-on-backup': S2, 'fstrim_cloned_disks': S3, 'guest-fsfreeze': S2, 'type': {'default': 'virtio',
    'enum': ('virtio', 'isa'), 'optional': 1, 'type': 'string'}}, 'optional': 1, 'type': 'string'}
S5 = {'format': {'allow-smt': S0, 'kernel-hashes': S3, 'no-debug': S3, 'no-key-sharing': S3,
    'type': {'default_key': 1, 'enum': ('std', 'es', 'snp'), 'maxLength': 3, 'type': 'string'}},
    'format_name': 'pve-qemu-sev-fmt', 'optional': 1, 'type': 'string'}
S6 = {'enum': ('x86_64', 'aarch64'), 'optional': 1, 'type': 'string'}
S7 = {'optional': 1, 'type': 'string'}
S8 = {'format': {'device': {'enum': ('ich9-intel-hda', 'intel-hda', 'AC97'), 'type': 'string'},
    'driver': {'default': 'spice', 'enum': ('spice', 'none'), 'optional': 1, 'type': 'string'}}, 'optional': 1,
    'type': 'string'}
S9 = {'minimum': 0, 'optional': 1, 'type': 'integer'}
S10 = {'default': 'seabios', 'enum': ('seabios', 'ovmf'), 'optional': 1, 'type': 'string'}
S11 = {'format': {'legacy': {'default': 'cdn', 'default_key': 1, 'optional': 1, 'pattern': '[acdn]{1,4}',
    'type': 'string'}, 'order': {'format_name': 'pve-qm-bootdev-list', 'optional': 1, 'type': 'string'}},
    'format_name': 'pve-qm-boot', 'optional': 1, 'type': 'string'}
S12 = {'format_name': 'pve-qm-bootdisk', 'optional': 1, 'pattern': '(ide|sata|scsi|virtio)\\d+', 'type': 'string'}
S13 = {'enum': ('native', 'threads', 'io_uring'), 'optional': 1, 'type': 'string'}
S14 = {'optional': 1, 'type': 'boolean'}
S15 = {'optional': 1, 'type': 'integer'}
S16 = {'minimum': 1, 'optional': 1, 'type': 'integer'}
S17 = {'alias': 'bps_rd_max_length'}
S18 = {'alias': 'bps_wr_max_length'}
S19 = {'enum': ('none', 'writethrough', 'writeback', 'unsafe', 'directsync'), 'optional': 1, 'type': 'string'}
S20 = {'enum': ('ignore', 'on'), 'optional': 1, 'type': 'string'}
S21 = {'default_key': 1, 'format_name': 'pve-volume-id-or-qm-path', 'type': 'string'}
S22 = {'enum': ('raw', 'qcow', 'qed', 'qcow2', 'vmdk', 'cloop'), 'optional': 1, 'type': 'string'}
S23 = {'alias': 'iops_rd_max_length'}
S24 = {'alias': 'iops_wr_max_length'}
S25 = {'optional': 1, 'type': 'number'}
S26 = {'default': 'disk', 'enum': ('cdrom', 'disk'), 'optional': 1, 'type': 'string'}
S27 = {'format_name': 'urlencoded', 'maxLength': 120, 'optional': 1, 'type': 'string'}
S28 = {'enum': ('ignore', 'report', 'stop'), 'optional': 1, 'type': 'string'}
S29 = {'format_name': 'urlencoded', 'maxLength': 60, 'optional': 1, 'type': 'string'}
S30 = {'format_name': 'disk-size', 'optional': 1, 'type': 'string'}
S31 = {'alias': 'file'}
S32 = {'enum': ('enospc', 'ignore', 'report', 'stop'), 'optional': 1, 'type': 'string'}
S33 = {'format': {'aio': S13, 'backup': S14, 'bps': S15, 'bps_max_length': S16, 'bps_rd': S15,
    'bps_rd_length': S17, 'bps_rd_max_length': S16, 'bps_wr': S15, 'bps_wr_length': S18, 'bps_wr_max_length': S16,
    'cache': S19, 'detect_zeroes': S14, 'discard': S20, 'file': S21, 'format': S22, 'iops': S15, 'iops_max': S15,
    'iops_max_length': S16, 'iops_rd': S15, 'iops_rd_length': S23, 'iops_rd_max': S15, 'iops_rd_max_length': S16,
    'iops_wr': S15, 'iops_wr_length': S24, 'iops_wr_max': S15, 'iops_wr_max_length': S16, 'mbps': S25,
    'mbps_max': S25, 'mbps_rd': S25, 'mbps_rd_max': S25, 'mbps_wr': S25, 'mbps_wr_max': S25, 'media': S26,
    'model': S27, 'replicate': S0, 'rerror': S28, 'serial': S29, 'shared': S3, 'size': S30, 'snapshot': S14,
    'ssd': S14, 'volume': S31, 'werror': S32, 'wwn': S7}, 'format_name': 'pve-qm-ide', 'optional': 1,
    'type': 'string'}
S34 = {'format_name': 'pve-volume-id', 'optional': 1, 'type': 'string'}
S35 = {'format': {'meta': S34, 'network': S34, 'user': S34, 'vendor': S34}, 'format_name': 'pve-qm-cicustom',
    'optional': 1, 'type': 'string'}
S36 = {'enum': ('configdrive2', 'nocloud', 'opennebula'), 'optional': 1, 'type': 'string'}
S37 = {'default': 1, 'minimum': 1, 'optional': 1, 'type': 'integer'}
S38 = {'format': {'cputype': {'default': 'kvm64', 'default_key': 1, 'optional': 1, 'type': 'string'},
    'flags': {'optional': 1, 'type': 'string', 'pattern': '[+-][a-zA-Z0-9\\-_.]+(?:;[+-][a-zA-Z0-9\\-_.]+)*'},
    'guest-phys-bits': {'maximum': 64, 'minimum': 32, 'optional': 1, 'type': 'integer'}, 'hidden': S3,
    'hv-vendor-id': {'optional': 1, 'type': 'string', 'pattern': '[a-zA-Z0-9]{1,12}'},
    'level': {'maximum': 4294967295, 'minimum': 0, 'optional': 1, 'type': 'integer'},
    'phys-bits': {'format_name': 'pve-phys-bits', 'optional': 1, 'type': 'string'},
    'reported-model': {'default': 'kvm64', 'enum': ('486', 'a64fx', 'athlon', 'Broadwell', 'Broadwell-IBRS',
    'Broadwell-noTSX', 'Broadwell-noTSX-IBRS', 'Cascadelake-Server', 'Cascadelake-Server-noTSX',
    'Cascadelake-Server-v2', 'Cascadelake-Server-v4', 'Cascadelake-Server-v5', 'ClearwaterForest', 'Conroe',
    'Cooperlake', 'Cooperlake-v2', 'core2duo', 'coreduo', 'cortex-a35', 'cortex-a53', 'cortex-a55', 'cortex-a57',
    'cortex-a710', 'cortex-a72', 'cortex-a76', 'EPYC', 'EPYC-Genoa', 'EPYC-Genoa-v2', 'EPYC-IBPB', 'EPYC-Milan',
    'EPYC-Milan-v2', 'EPYC-Milan-v3', 'EPYC-Rome', 'EPYC-Rome-v2', 'EPYC-Rome-v3', 'EPYC-Rome-v4', 'EPYC-Rome-v5',
    'EPYC-Turin', 'EPYC-v3', 'EPYC-v4', 'EPYC-v5', 'GraniteRapids', 'GraniteRapids-v2', 'GraniteRapids-v3',
    'Haswell', 'Haswell-IBRS', 'Haswell-noTSX', 'Haswell-noTSX-IBRS', 'host', 'Icelake-Client',
    'Icelake-Client-noTSX', 'Icelake-Server', 'Icelake-Server-noTSX', 'Icelake-Server-v3', 'Icelake-Server-v4',
    'Icelake-Server-v5', 'Icelake-Server-v6', 'Icelake-Server-v7', 'IvyBridge', 'IvyBridge-IBRS', 'KnightsMill',
    'kvm32', 'kvm64', 'max', 'Nehalem', 'Nehalem-IBRS', 'neoverse-n1', 'neoverse-n2', 'neoverse-v1', 'Opteron_G1',
    'Opteron_G2', 'Opteron_G3', 'Opteron_G4', 'Opteron_G5', 'Penryn', 'pentium', 'pentium2', 'pentium3', 'phenom',
    'qemu32', 'qemu64', 'SandyBridge', 'SandyBridge-IBRS', 'SapphireRapids', 'SapphireRapids-v2',
    'SapphireRapids-v3', 'SapphireRapids-v4', 'SierraForest', 'SierraForest-v2', 'SierraForest-v3',
    'Skylake-Client', 'Skylake-Client-IBRS', 'Skylake-Client-noTSX-IBRS', 'Skylake-Client-v4', 'Skylake-Server',
    'Skylake-Server-IBRS', 'Skylake-Server-noTSX-IBRS', 'Skylake-Server-v4', 'Skylake-Server-v5', 'Westmere',
    'Westmere-IBRS'), 'optional': 1, 'type': 'string'}}, 'format_name': 'pve-vm-cpu-conf', 'optional': 1,
    'type': 'string'}
S39 = {'default': 0, 'maximum': 128, 'minimum': 0, 'optional': 1, 'type': 'number'}
S40 = {'default': 'cgroup v1: 1024, cgroup v2: 100', 'maximum': 262144, 'minimum': 1, 'optional': 1,
    'type': 'integer'}
S41 = {'maxLength': 8192, 'optional': 1, 'type': 'string'}
S42 = {'format_name': 'pve-volume-id-or-absolute-path', 'optional': 1, 'type': 'string'}
S43 = {'format': {'efitype': {'default': '2m', 'enum': ('2m', '4m'), 'optional': 1, 'type': 'string'}, 'file': S21,
    'format': S22, 'import-from': S42, 'ms-cert': {'default': '2011', 'enum': ('2011', '2023', '2023w', '2023k'),
    'optional': 1, 'type': 'string'}, 'pre-enrolled-keys': S3, 'size': S30, 'volume': S31}, 'optional': 1,
    'type': 'string'}
S44 = {'optional': 1, 'requires': 'archive', 'type': 'boolean'}
S45 = {'optional': 1, 'type': 'string', 'pattern': '0x[0-9a-fA-F]{4}'}
S46 = {'format_name': 'pve-configid', 'optional': 1, 'type': 'string'}
S47 = {'format': {'device-id': S45, 'driver': {'default': 'vfio', 'enum': ('vfio', 'keep'), 'optional': 1,
    'type': 'string'}, 'host': {'default_key': 1, 'optional': 1, 'type': 'string',
    'pattern': '(?:[a-f0-9]{4,}:)?[a-f0-9]{2}:[a-f0-9]{2}(?:\\.[a-f0-9])?(?:;(?:[a-f0-9]{4,}:)?[a-f0-9]{2}:[a-f0-9]{2}(?:\\.[a-f0-9])?)*'}, 'legacy-igd': S3, 'mapping': S46, 'mdev': {'optional': 1, 'pattern': '[^/\\.:]+', 'type': 'string'}, 'pcie': S3, 'rombar': S0, 'romfile': {'optional': 1, 'pattern': '[^,;]+', 'type': 'string'}, 'sub-device-id': S45, 'sub-vendor-id': S45, 'vendor-id': S45, 'x-vga': S3}, 'format_name': 'pve-qm-hostpci', 'optional': 1, 'type': 'string'}
S48 = {'default': 'network,disk,usb', 'format_name': 'pve-hotplug-features', 'optional': 1, 'type': 'string'}
S49 = {'enum': ('any', '2', '1024'), 'optional': 1, 'type': 'string'}
S50 = {'format': {'aio': S13, 'backup': S14, 'bps': S15, 'bps_max_length': S16, 'bps_rd': S15,
    'bps_rd_length': S17, 'bps_rd_max_length': S16, 'bps_wr': S15, 'bps_wr_length': S18, 'bps_wr_max_length': S16,
    'cache': S19, 'detect_zeroes': S14, 'discard': S20, 'file': S21, 'format': S22, 'import-from': S42,
    'iops': S15, 'iops_max': S15, 'iops_max_length': S16, 'iops_rd': S15, 'iops_rd_length': S23,
    'iops_rd_max': S15, 'iops_rd_max_length': S16, 'iops_wr': S15, 'iops_wr_length': S24, 'iops_wr_max': S15,
    'iops_wr_max_length': S16, 'mbps': S25, 'mbps_max': S25, 'mbps_rd': S25, 'mbps_rd_max': S25, 'mbps_wr': S25,
    'mbps_wr_max': S25, 'media': S26, 'model': S27, 'replicate': S0, 'rerror': S28, 'serial': S29, 'shared': S3,
    'size': S30, 'snapshot': S14, 'ssd': S14, 'volume': S31, 'werror': S32, 'wwn': S7}, 'optional': 1,
    'type': 'string'}
S51 = {'format_name': 'pve-storage-id', 'optional': 1, 'type': 'string'}
S52 = {'format': {'attestation': {'default': 1, 'type': 'boolean'}, 'type': {'default_key': 1, 'enum': ('tdx',),
    'type': 'string'}, 'vsock-cid': {'default': 2, 'minimum': 2, 'optional': 1, 'type': 'integer'},
    'vsock-port': {'default': 4050, 'minimum': 0, 'optional': 1, 'type': 'integer'}},
    'format_name': 'pve-qemu-tdx-fmt', 'optional': 1, 'type': 'string'}
S53 = {'format': {'gw': {'format_name': 'ipv4', 'optional': 1, 'requires': 'ip', 'type': 'string'},
    'gw6': {'format_name': 'ipv6', 'optional': 1, 'requires': 'ip6', 'type': 'string'}, 'ip': {'default': 'dhcp',
    'format_name': 'pve-ipv4-config', 'optional': 1, 'type': 'string'}, 'ip6': {'default': 'dhcp',
    'format_name': 'pve-ipv6-config', 'optional': 1, 'type': 'string'}}, 'format_name': 'pve-qm-ipconfig',
    'optional': 1, 'type': 'string'}
S54 = {'format': {'name': {'optional': 1, 'pattern': '[a-zA-Z0-9\\-]+', 'type': 'string'}, 'size': {'minimum': 1,
    'type': 'integer'}}, 'optional': 1, 'type': 'string'}
S55 = {'enum': ('de', 'de-ch', 'da', 'en-gb', 'en-us', 'es', 'fi', 'fr', 'fr-be', 'fr-ca', 'fr-ch', 'hu', 'is',
    'it', 'ja', 'lt', 'mk', 'nl', 'no', 'pl', 'pt', 'pt-br', 'sv', 'sl', 'tr'), 'optional': 1, 'type': 'string'}
S56 = {'enum': ('backup', 'clone', 'create', 'migrate', 'rollback', 'snapshot', 'snapshot-delete', 'suspending',
    'suspended'), 'optional': 1, 'type': 'string'}
S57 = {'format': {'aw-bits': {'maximum': 64, 'minimum': 32, 'optional': 1, 'type': 'number'}, 'enable-s3': S14,
    'enable-s4': S14, 'type': {'default_key': 1, 'maxLength': 40, 'optional': 1,
    'pattern': '(pc|pc(-i440fx)?-\\d+(\\.\\d+)+(\\+pve\\d+)?(\\.pxe)?|q35|pc-q35-\\d+(\\.\\d+)+(\\+pve\\d+)?(\\.pxe)?|virt(?:-\\d+(\\.\\d+)+)?(\\+pve\\d+)?)', 'type': 'string'}, 'viommu': {'enum': ('intel', 'virtio'), 'optional': 1, 'type': 'string'}}, 'optional': 1, 'type': 'string'}
S58 = {'format': {'current': {'default': 512, 'default_key': 1, 'minimum': 16, 'type': 'integer'}}, 'optional': 1,
    'type': 'string'}
S59 = {'default': 0.1, 'minimum': 0, 'optional': 1, 'type': 'number'}
S60 = {'default': 0, 'minimum': 0, 'optional': 1, 'type': 'integer'}
S61 = {'format_name': 'dns-name', 'optional': 1, 'type': 'string'}
S62 = {'format_name': 'address-list', 'optional': 1, 'type': 'string'}
S63 = {'alias': 'macaddr', 'keyAlias': 'model'}
S64 = {'optional': 1, 'type': 'string', 'pattern': '\\d+(?:-\\d+)?(?:;\\d+(?:-\\d+)?)*'}
S65 = {'format': {'bridge': {'format_name': 'pve-bridge-id', 'optional': 1, 'type': 'string'}, 'e1000': S63,
    'e1000-82540em': S63, 'e1000-82544gc': S63, 'e1000-82545em': S63, 'e1000e': S63, 'firewall': S14,
    'host-tunnel': S14, 'i82551': S63, 'i82557b': S63, 'i82559er': S63, 'link_down': S14,
    'macaddr': {'format_name': 'mac-addr', 'optional': 1, 'type': 'string'}, 'model': {'default_key': 1,
    'enum': ('e1000', 'e1000-82540em', 'e1000-82544gc', 'e1000-82545em', 'e1000e', 'i82551', 'i82557b', 'i82559er',
    'ne2k_isa', 'ne2k_pci', 'pcnet', 'rtl8139', 'virtio', 'vmxnet3'), 'type': 'string'}, 'mtu': {'maximum': 65520,
    'minimum': 1, 'optional': 1, 'type': 'integer'}, 'ne2k_isa': S63, 'ne2k_pci': S63, 'pcnet': S63,
    'queues': {'maximum': 64, 'minimum': 0, 'optional': 1, 'type': 'integer'}, 'rate': {'minimum': 0,
    'optional': 1, 'type': 'number'}, 'rtl8139': S63, 'tag': {'maximum': 4094, 'minimum': 1, 'optional': 1,
    'type': 'integer'}, 'trunks': S64, 'virtio': S63, 'vmxnet3': S63}, 'optional': 1, 'type': 'string'}
S66 = {'format': {'cpus': {'type': 'string', 'pattern': '\\d+(?:-\\d+)?(?:;\\d+(?:-\\d+)?)*'}, 'hostnodes': S64,
    'memory': S25, 'policy': {'enum': ('preferred', 'bind', 'interleave'), 'optional': 1, 'type': 'string'}},
    'optional': 1, 'type': 'string'}
S67 = {'default': 'other', 'enum': ('other', 'wxp', 'w2k', 'w2k3', 'w2k8', 'wvista', 'win7', 'win8', 'win10',
    'win11', 'l24', 'l26', 'solaris'), 'optional': 1, 'type': 'string'}
S68 = {'optional': 1, 'pattern': '/dev/parport\\d+|/dev/usb/lp\\d+', 'type': 'string'}
S69 = {'format': {'max_bytes': {'default': 1024, 'optional': 1, 'type': 'integer'}, 'period': {'default': 1000,
    'optional': 1, 'type': 'integer'}, 'source': {'default_key': 1, 'enum': ('/dev/urandom', '/dev/random',
    '/dev/hwrng'), 'type': 'string'}}, 'format_name': 'pve-qm-rng', 'optional': 1, 'type': 'string'}
S70 = {'format': {'aio': S13, 'backup': S14, 'bps': S15, 'bps_max_length': S16, 'bps_rd': S15,
    'bps_rd_length': S17, 'bps_rd_max_length': S16, 'bps_wr': S15, 'bps_wr_length': S18, 'bps_wr_max_length': S16,
    'cache': S19, 'detect_zeroes': S14, 'discard': S20, 'file': S21, 'format': S22, 'import-from': S42,
    'iops': S15, 'iops_max': S15, 'iops_max_length': S16, 'iops_rd': S15, 'iops_rd_length': S23,
    'iops_rd_max': S15, 'iops_rd_max_length': S16, 'iops_wr': S15, 'iops_wr_length': S24, 'iops_wr_max': S15,
    'iops_wr_max_length': S16, 'mbps': S25, 'mbps_max': S25, 'mbps_rd': S25, 'mbps_rd_max': S25, 'mbps_wr': S25,
    'mbps_wr_max': S25, 'media': S26, 'replicate': S0, 'rerror': S28, 'serial': S29, 'shared': S3, 'size': S30,
    'snapshot': S14, 'ssd': S14, 'volume': S31, 'werror': S32, 'wwn': S7}, 'optional': 1, 'type': 'string'}
S71 = {'format': {'aio': S13, 'backup': S14, 'bps': S15, 'bps_max_length': S16, 'bps_rd': S15,
    'bps_rd_length': S17, 'bps_rd_max_length': S16, 'bps_wr': S15, 'bps_wr_length': S18, 'bps_wr_max_length': S16,
    'cache': S19, 'detect_zeroes': S14, 'discard': S20, 'file': S21, 'format': S22, 'import-from': S42,
    'iops': S15, 'iops_max': S15, 'iops_max_length': S16, 'iops_rd': S15, 'iops_rd_length': S23,
    'iops_rd_max': S15, 'iops_rd_max_length': S16, 'iops_wr': S15, 'iops_wr_length': S24, 'iops_wr_max': S15,
    'iops_wr_max_length': S16, 'iothread': S14, 'mbps': S25, 'mbps_max': S25, 'mbps_rd': S25, 'mbps_rd_max': S25,
    'mbps_wr': S25, 'mbps_wr_max': S25, 'media': S26, 'product': {'optional': 1,
    'pattern': '[A-Za-z0-9\\-_\\s]{,16}', 'type': 'string'}, 'queues': {'minimum': 2, 'optional': 1,
    'type': 'integer'}, 'replicate': S0, 'rerror': S28, 'ro': S14, 'scsiblock': S3, 'serial': S29, 'shared': S3,
    'size': S30, 'snapshot': S14, 'ssd': S14, 'vendor': {'optional': 1, 'pattern': '[A-Za-z0-9\\-_\\s]{,8}',
    'type': 'string'}, 'volume': S31, 'werror': S32, 'wwn': S7}, 'optional': 1, 'type': 'string'}
S72 = {'default': 'lsi', 'enum': ('lsi', 'lsi53c810', 'virtio-scsi-pci', 'virtio-scsi-single', 'megasas',
    'pvscsi'), 'optional': 1, 'type': 'string'}
S73 = {'optional': 1, 'pattern': '(/dev/[^,]+|socket)', 'type': 'string'}
S74 = {'default': 1000, 'maximum': 50000, 'minimum': 0, 'optional': 1, 'type': 'integer'}
S75 = {'optional': 1, 'pattern': '[A-Za-z0-9+\\/]+={0,2}', 'type': 'string'}
S76 = {'format': {'base64': S14, 'family': S75, 'manufacturer': S75, 'product': S75, 'serial': S75, 'sku': S75,
    'uuid': {'optional': 1, 'pattern': '[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}', 'type': 'string'},
    'version': S75}, 'format_name': 'pve-qm-smbios1', 'maxLength': 512, 'optional': 1, 'type': 'string'}
S77 = {'format': {'foldersharing': {'default': '0', 'optional': 1, 'type': 'boolean'},
    'videostreaming': {'default': 'off', 'enum': ('off', 'all', 'filter'), 'optional': 1, 'type': 'string'}},
    'optional': 1, 'type': 'string'}
S78 = {'format_name': 'urlencoded', 'optional': 1, 'type': 'string'}
S79 = {'default': 'now', 'optional': 1, 'pattern': '(now|\\d{4}-\\d{1,2}-\\d{1,2}(T\\d{1,2}:\\d{1,2}:\\d{1,2})?)',
    'type': 'string'}
S80 = {'format_name': 'pve-startup-order', 'optional': 1, 'type': 'string'}
S81 = {'format_name': 'pve-tag-list', 'optional': 1, 'type': 'string'}
S82 = {'enum': ('raw', 'qcow2', 'vmdk'), 'optional': 1, 'type': 'string'}
S83 = {'format': {'file': S21, 'format': S82, 'import-from': S42, 'size': S30, 'version': {'default': 'v1.2',
    'enum': ('v1.2', 'v2.0'), 'optional': 1, 'type': 'string'}, 'volume': S31}, 'optional': 1, 'type': 'string'}
S84 = {'format': {'file': {'default_key': 1, 'format_name': 'pve-volume-id', 'type': 'string'}, 'volume': S31},
    'optional': 1, 'type': 'string'}
S85 = {'format': {'host': {'default_key': 1, 'optional': 1, 'type': 'string',
    'pattern': '(?:(?:0x)?[0-9A-Fa-f]{4}:(?:0x)?[0-9A-Fa-f]{4}|\\d+-\\d+(?:\\.\\d+)*|[Ss][Pp][Ii][Cc][Ee])'},
    'mapping': S46, 'usb3': S3}, 'optional': 1, 'type': 'string'}
S86 = {'default': 0, 'minimum': 1, 'optional': 1, 'type': 'integer'}
S87 = {'format': {'clipboard': {'enum': ('vnc',), 'optional': 1, 'type': 'string'}, 'memory': {'maximum': 512,
    'minimum': 4, 'optional': 1, 'type': 'integer'}, 'type': {'default': 'std', 'default_key': 1,
    'enum': ('cirrus', 'qxl', 'qxl2', 'qxl3', 'qxl4', 'none', 'serial0', 'serial1', 'serial2', 'serial3', 'std',
    'virtio', 'virtio-gl', 'vmware'), 'optional': 1, 'type': 'string'}}, 'optional': 1, 'type': 'string'}
S88 = {'format': {'aio': S13, 'backup': S14, 'bps': S15, 'bps_max_length': S16, 'bps_rd': S15,
    'bps_rd_length': S17, 'bps_rd_max_length': S16, 'bps_wr': S15, 'bps_wr_length': S18, 'bps_wr_max_length': S16,
    'cache': S19, 'detect_zeroes': S14, 'discard': S20, 'file': S21, 'format': S22, 'import-from': S42,
    'iops': S15, 'iops_max': S15, 'iops_max_length': S16, 'iops_rd': S15, 'iops_rd_length': S23,
    'iops_rd_max': S15, 'iops_rd_max_length': S16, 'iops_wr': S15, 'iops_wr_length': S24, 'iops_wr_max': S15,
    'iops_wr_max_length': S16, 'iothread': S14, 'mbps': S25, 'mbps_max': S25, 'mbps_rd': S25, 'mbps_rd_max': S25,
    'mbps_wr': S25, 'mbps_wr_max': S25, 'media': S26, 'replicate': S0, 'rerror': S28, 'ro': S14, 'serial': S29,
    'shared': S3, 'size': S30, 'snapshot': S14, 'volume': S31, 'werror': S32}, 'optional': 1, 'type': 'string'}
S89 = {'format': {'cache': {'default': 'auto', 'enum': ('auto', 'always', 'metadata', 'never'), 'optional': 1,
    'type': 'string'}, 'direct-io': S3, 'dirid': {'default_key': 1, 'format_name': 'pve-configid',
    'type': 'string'}, 'expose-acl': S3, 'expose-xattr': S3}, 'optional': 1, 'type': 'string'}
S90 = {'default': '1 (autogenerated)', 'optional': 1,
    'pattern': '(?:[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}|[01])', 'type': 'string'}
S91 = {'format_name': 'pve-vmid', 'maximum': 999999999, 'minimum': 100, 'type': 'integer'}
S92 = {'format': {'action': {'enum': ('reset', 'shutdown', 'poweroff', 'pause', 'debug', 'none'), 'optional': 1,
    'type': 'string'}, 'model': {'default': 'i6300esb', 'default_key': 1, 'enum': ('i6300esb', 'ib700'),
    'optional': 1, 'type': 'string'}}, 'format_name': 'pve-qm-watchdog', 'optional': 1, 'type': 'string'}
S93 = {'format_name': 'pve-configid-list', 'optional': 1, 'type': 'string'}

COMMANDS = {
    'create': {'positional': ('vmid',), 'options': {'acpi': S0, 'affinity': S1, 'agent': S4, 'allow-ksm': S0,
    'amd-sev': S5, 'arch': S6, 'archive': {'maxLength': 255, 'optional': 1, 'type': 'string'}, 'args': S7,
    'audio0': S8, 'autostart': S3, 'balloon': S9, 'bios': S10, 'boot': S11, 'bootdisk': S12,
    'bwlimit': {'default': 'restore limit from datacenter or storage config', 'minimum': 0, 'optional': 1,
    'type': 'integer'}, 'cdrom': S33, 'cicustom': S35, 'cipassword': S7, 'citype': S36, 'ciupgrade': S0,
    'ciuser': S7, 'cores': S37, 'cpu': S38, 'cpulimit': S39, 'cpuunits': S40, 'description': S41, 'efidisk0': S43,
    'force': S44, 'freeze': S14, 'ha-managed': S3, 'hookscript': S34, 'hostpci[0-15]': S47, 'hotplug': S48,
    'hugepages': S49, 'ide[0-3]': S50, 'import-working-storage': S51, 'intel-tdx': S52, 'ipconfig[0-31]': S53,
    'ivshmem': S54, 'keephugepages': S3, 'keyboard': S55, 'kvm': S0, 'live-restore': S14, 'localtime': S14,
    'lock': S56, 'machine': S57, 'memory': S58, 'migrate_downtime': S59, 'migrate_speed': S60, 'name': S61,
    'nameserver': S62, 'net[0-31]': S65, 'numa': S3, 'numa[0-7]': S66, 'onboot': S3, 'ostype': S67,
    'parallel[0-2]': S68, 'pool': {'format_name': 'pve-poolid', 'optional': 1, 'type': 'string'}, 'protection': S3,
    'reboot': S0, 'rng0': S69, 'sata[0-5]': S70, 'scsi[0-30]': S71, 'scsihw': S72, 'searchdomain': S7,
    'serial[0-3]': S73, 'shares': S74, 'smbios1': S76, 'smp': S37, 'sockets': S37, 'spice_enhancements': S77,
    'sshkeys': S78, 'start': S3, 'startdate': S79, 'startup': S80, 'storage': S51, 'tablet': S0, 'tags': S81,
    'tdf': S3, 'template': S3, 'tpmstate0': S83, 'unique': S44, 'unused[0-255]': S84, 'usb[0-13]': S85,
    'vcpus': S86, 'vga': S87, 'virtio[0-15]': S88, 'virtiofs[0-9]': S89, 'vmgenid': S90, 'vmid': S91,
    'vmstatestorage': S51, 'watchdog': S92}},
    'import': {'positional': ('vmid', 'source'), 'options': {'acpi': S0, 'affinity': S1, 'agent': S4,
    'allow-ksm': S0, 'amd-sev': S5, 'arch': S6, 'args': S7, 'audio0': S8, 'autostart': S3, 'balloon': S9,
    'bios': S10, 'boot': S11, 'bootdisk': S12, 'cdrom': S33, 'cicustom': S35, 'cipassword': S7, 'citype': S36,
    'ciupgrade': S0, 'ciuser': S7, 'cores': S37, 'cpu': S38, 'cpulimit': S39, 'cpuunits': S40, 'delete': S93,
    'description': S41, 'dryrun': S3, 'efidisk0': S43, 'format': S82, 'freeze': S14, 'hookscript': S34,
    'hostpci[0-15]': S47, 'hotplug': S48, 'hugepages': S49, 'ide[0-3]': S50, 'intel-tdx': S52,
    'ipconfig[0-31]': S53, 'ivshmem': S54, 'keephugepages': S3, 'keyboard': S55, 'kvm': S0, 'live-import': S3,
    'localtime': S14, 'lock': S56, 'machine': S57, 'memory': S58, 'migrate_downtime': S59, 'migrate_speed': S60,
    'name': S61, 'nameserver': S62, 'net[0-31]': S65, 'numa': S3, 'numa[0-7]': S66, 'onboot': S3, 'ostype': S67,
    'parallel[0-2]': S68, 'protection': S3, 'reboot': S0, 'rng0': S69, 'sata[0-5]': S70, 'scsi[0-30]': S71,
    'scsihw': S72, 'searchdomain': S7, 'serial[0-3]': S73, 'shares': S74, 'smbios1': S76, 'smp': S37,
    'sockets': S37, 'source': {'type': 'string'}, 'spice_enhancements': S77, 'sshkeys': S78, 'startdate': S79,
    'startup': S80, 'storage': {'format_name': 'pve-storage-id', 'type': 'string'}, 'tablet': S0, 'tags': S81,
    'tdf': S3, 'template': S3, 'tpmstate0': S83, 'unused[0-255]': S84, 'usb[0-13]': S85, 'vcpus': S86, 'vga': S87,
    'virtio[0-15]': S88, 'virtiofs[0-9]': S89, 'vmgenid': S90, 'vmid': S91, 'vmstatestorage': S51,
    'watchdog': S92}},
    'set': {'positional': ('vmid',), 'options': {'acpi': S0, 'affinity': S1, 'agent': S4, 'allow-ksm': S0,
    'amd-sev': S5, 'arch': S6, 'args': S7, 'audio0': S8, 'autostart': S3, 'balloon': S9, 'bios': S10, 'boot': S11,
    'bootdisk': S12, 'cdrom': S33, 'cicustom': S35, 'cipassword': S7, 'citype': S36, 'ciupgrade': S0, 'ciuser': S7,
    'cores': S37, 'cpu': S38, 'cpulimit': S39, 'cpuunits': S40, 'delete': S93, 'description': S41,
    'digest': {'maxLength': 40, 'optional': 1, 'type': 'string'}, 'efidisk0': S43, 'force': {'optional': 1,
    'requires': 'delete', 'type': 'boolean'}, 'freeze': S14, 'hookscript': S34, 'hostpci[0-15]': S47,
    'hotplug': S48, 'hugepages': S49, 'ide[0-3]': S50, 'intel-tdx': S52, 'ipconfig[0-31]': S53, 'ivshmem': S54,
    'keephugepages': S3, 'keyboard': S55, 'kvm': S0, 'localtime': S14, 'lock': S56, 'machine': S57, 'memory': S58,
    'migrate_downtime': S59, 'migrate_speed': S60, 'name': S61, 'nameserver': S62, 'net[0-31]': S65, 'numa': S3,
    'numa[0-7]': S66, 'onboot': S3, 'ostype': S67, 'parallel[0-2]': S68, 'protection': S3, 'reboot': S0,
    'revert': S93, 'rng0': S69, 'sata[0-5]': S70, 'scsi[0-30]': S71, 'scsihw': S72, 'searchdomain': S7,
    'serial[0-3]': S73, 'shares': S74, 'skiplock': S14, 'smbios1': S76, 'smp': S37, 'sockets': S37,
    'spice_enhancements': S77, 'sshkeys': S78, 'startdate': S79, 'startup': S80, 'tablet': S0, 'tags': S81,
    'tdf': S3, 'template': S3, 'tpmstate0': S83, 'unused[0-255]': S84, 'usb[0-13]': S85, 'vcpus': S86, 'vga': S87,
    'virtio[0-15]': S88, 'virtiofs[0-9]': S89, 'vmgenid': S90, 'vmid': S91, 'vmstatestorage': S51,
    'watchdog': S92}},
}
