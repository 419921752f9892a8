"""What lies behind the `qm` subcommands that create, change and remove virtual machines.

drive      drive values (`scsi0`, `ide2`, `efidisk0`, …): taken apart, put together, which is a disk, which a CD
disks      making, importing, attaching and dropping the volumes behind drives
access     checks of drives that come before anything is done
boot       the boot order
network    network cards, their MAC addresses
options    values that the tools normalise before they are stored
pending    the [PENDING] section: what waits, and the views of a configuration with and without it
apply      pending changes of a stopped guest
hotplug    pending changes of a running guest
record     [special:cloudinit]: what the cloud-init drive of a running guest still says
"""
