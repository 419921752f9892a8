#!/bin/sh
# A script as many administrators have one: make a VM from a cloud image, unless it is there already.
set -eu
id=$1
image=/var/lib/vz/template/iso/debian.qcow2
if qm status "$id" >/dev/null 2>&1; then echo "VM $id exists"; exit 0; fi
qm create "$id" --name "vm$id" --memory 1024 --net0 virtio,bridge=vmbr0 \
  --scsihw virtio-scsi-pci --scsi0 "local-lvm:0,import-from=$image" --boot order=scsi0
qm disk resize "$id" scsi0 10G
qm start "$id"
