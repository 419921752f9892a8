"""What the subcommands of `pct` share.

mountpoint  rootfs and mpN: their property strings, the volumes of a configuration in order
sizes       sizes as text: `8G`, `+512M`
ext4        the file systems in containers' volumes: what mke2fs, e2fsck, resize2fs and fstrim would count
disks       making, formatting, copying and removing a container's volumes
archive     templates: which system a tar archive holds
network     netN and bridges
changes     `pct set`: values that apply now, values that wait, deletions
power       start and stop
guest       what is behind a container: answers to a few programs (answers), or a real guest (real)
"""
