# Run once in the folder of a fresh root tree, as its root but not in it: make of Debian a cloud image that boots quickly
# even where every instruction is emulated.
rm -f etc/ssh/ssh_host_* etc/resolv.conf boot/initrd.img-* initrd.img* vmlinuz*
: > etc/machine-id
echo localhost > etc/hostname
echo 'LABEL=rootfs / ext4 defaults,noatime 0 0' > etc/fstab
rm -rf var/cache/apt/*.bin var/lib/apt/lists/* etc/apt/sources.list.d/*
mkdir -p var/lib/apt/lists/partial etc/systemd/journald.conf.d etc/systemd/system.conf.d boot/grub
echo "# No mirror is reachable from this guest; what is installed can be \"installed\" again." > etc/apt/sources.list
echo "datasource: NoCloud" > etc/cloud/ds-identify.cfg
mv usr/lib/fake-pve/99_fake-pve.cfg etc/cloud/cloud.cfg.d/
mv usr/lib/fake-pve/fake-pve-cloud-init.service etc/systemd/system/
mv usr/lib/fake-pve/grub.cfg boot/grub/
printf 'UseDNS no\nPrintMotd no\n' > etc/ssh/sshd_config.d/10-fake-pve.conf
sed -i '/pam_motd/d;/pam_mail/d' etc/pam.d/*
printf '[Journal]\nStorage=volatile\n' > etc/systemd/journald.conf.d/fake-pve.conf
printf '[Manager]\nDefaultTimeoutStopSec=5s\nShowStatus=no\n' > etc/systemd/system.conf.d/fake-pve.conf
echo 'blacklist ata_piix' > etc/modprobe.d/fake-pve.conf
ln -s "$(basename boot/vmlinuz-*)" boot/vmlinuz
# One process runs all four stages of cloud-init, see /usr/lib/fake-pve/cloud-init-stages; it also starts ssh.
for unit in cloud-init-local cloud-init cloud-config cloud-final networking; do
    ln -sf /dev/null "etc/systemd/system/$unit.service"
done
rm -f etc/systemd/system/multi-user.target.wants/ssh.service etc/systemd/system/multi-user.target.wants/networking.service
rm -f etc/systemd/system/network-online.target.wants/networking.service etc/systemd/system/cloud-init.target.wants/*
mkdir -p etc/systemd/system/sysinit.target.wants
ln -sf ../fake-pve-cloud-init.service etc/systemd/system/sysinit.target.wants/
ln -sf /lib/systemd/system/multi-user.target etc/systemd/system/default.target
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
    systemd-tmpfiles-clean.timer logrotate.timer getty@tty1.service serial-getty@ttyS0.service \
    systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-random-seed.service \
    systemd-journal-flush.service systemd-binfmt.service systemd-sysusers.service systemd-boot-update.service \
    systemd-pcrphase.service systemd-pcrphase-sysinit.service modprobe@configfs.service modprobe@dm_mod.service \
    modprobe@drm.service modprobe@efi_pstore.service modprobe@fuse.service modprobe@loop.service \
    systemd-modules-load.service systemd-pstore.service sys-kernel-debug.mount sys-kernel-tracing.mount \
    sys-kernel-config.mount sys-fs-fuse-connections.mount dev-hugepages.mount dev-mqueue.mount \
    proc-sys-fs-binfmt_misc.automount ifupdown-pre.service ifupdown-wait-online.service \
    systemd-fsck-root.service systemd-udev-settle.service cloud-init-hotplugd.socket \
    systemd-ask-password-console.path systemd-ask-password-wall.path; do
    ln -sf /dev/null "etc/systemd/system/$unit"
done
for rule in 60-cdrom_id 60-persistent-alsa 60-persistent-input 60-evdev 60-persistent-v4l 60-sensor 70-joystick 70-mouse \
    70-touchpad 75-probe_mtd 78-sound-card 60-drm 60-fido-id 60-autosuspend 60-persistent-storage-tape 64-btrfs 70-memory; do
    rm -f "usr/lib/udev/rules.d/$rule.rules"
done
