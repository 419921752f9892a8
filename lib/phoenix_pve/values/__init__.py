"""Proxmox's property strings as values, so that two spellings compare by meaning. One family per module, all PURE."""
