"""The node's storages: what storage.cfg says, and the volumes that lie on them.

config    storage.cfg: the storages, which are usable, and writing the file
names     volume ids and volume names -> what they mean
image     image files: their headers, their virtual sizes, growing them
dir       volumes as files in a directory storage
lvmthin   volumes of an LVM thin pool: sparse files below /dev/<volume group>
volume    one door to both, by storage type; use this from outside
copying   filling a new volume with another one's (or a file's) bytes
listing   what `pvesm list` shows
"""
