# Run once in the folder of a fresh root tree, as its root but not in it: make of Debian what a simulated guest needs.
rm -f etc/ssh/ssh_host_* etc/resolv.conf etc/machine-id etc/hostname
: > etc/machine-id
rm -rf var/cache/apt/*.bin var/lib/apt/lists/* etc/apt/sources.list.d/* boot/* vmlinuz* initrd.img*
mkdir -p var/lib/apt/lists/partial etc/qemu usr/lib/fake-pve dev proc sys run tmp
echo "# No mirror is reachable from a simulated guest; what is installed can be \"installed\" again." > etc/apt/sources.list
echo "datasource: NoCloud" > etc/cloud/ds-identify.cfg
printf 'UseDNS no\nPrintMotd no\n' > etc/ssh/sshd_config.d/10-fake-pve.conf
sed -i '/pam_motd/d;/pam_mail/d;/pam_systemd/d' etc/pam.d/*
rm -f etc/systemd/system/multi-user.target.wants/e2scrub_reap.service
ln -sf /lib/systemd/systemd usr/sbin/init
for name in systemctl shutdown poweroff reboot halt; do
    rm -f "usr/sbin/$name" "usr/bin/$name"
done
ln -s ../lib/fake-pve/systemctl usr/bin/systemctl
for name in shutdown poweroff reboot halt; do
    ln -s ../lib/fake-pve/systemctl "usr/sbin/$name"
done
mv usr/bin/nproc usr/bin/nproc.real
ln -s ../lib/fake-pve/nproc usr/bin/nproc
rm -f usr/sbin/dhclient
ln -s ../lib/fake-pve/dhclient usr/sbin/dhclient
mv usr/lib/fake-pve/99_fake-pve.cfg etc/cloud/cloud.cfg.d/
mv usr/lib/fake-pve/qemu-ga.conf etc/qemu/
