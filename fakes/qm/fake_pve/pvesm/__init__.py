"""The subcommands of `pvesm`, one file each; what they do to storages and volumes is in fake_pve.storage."""
