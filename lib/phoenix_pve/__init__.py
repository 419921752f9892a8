"""phoenix: JSON configuration in, running Proxmox guests out."""

__version__ = "0.1.0"
