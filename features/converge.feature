Feature: Converge an existing virtual machine
  What differs from the configuration is changed, in one call; nothing else is touched.

  Background:
    Given a node with the Ubuntu cloud image
    And a configuration with VM 8001 named "ubuntu-2404"
    And I have run "phoenix create 8001"

  Scenario: Changes that take effect at once
    Given VM 8001 has these values
      | key           | value              |
      | start_at_boot | true               |
      | boot_order    | 3                  |
      | tags          | ["Web", "db"]      |
      | protection    | true               |
      | description   | "Zeile 1\\n50 % ü" |
    When I run "phoenix create 8001"
    Then it succeeds and says "8001 ubuntu-2404: changed"
    And it says "start at boot (onboot): no → yes"
    And it says "description: managed by phoenix → Zeile 1 …"
    And VM 8001 has the options
      | option      | value                    |
      | onboot      | 1                        |
      | startup     | order=3                  |
      | tags        | db;phoenix;web           |
      | protection  | 1                        |
      | description | Zeile 1%0A50 %25 %C3%BC  |
    And nothing waits for a restart of VM 8001
    And exactly 1 changing command ran on the node

  Scenario: What cannot take effect while it runs waits for a restart
    Given VM 8001 has "cores" set to 4
    And VM 8001 has "memory_mb" set to 4096
    When I run "phoenix create 8001"
    Then it succeeds and says "waiting for a restart: cores, memory"
    And exactly 1 changing command ran on the node
    And VM 8001 runs with 2 cores
    When I run "phoenix create 8001"
    Then it succeeds and says "8001 ubuntu-2404: no changes; waiting for a restart: cores, memory"
    And no changing command ran on the node
    When I run "phoenix create 8001 --restart"
    Then it succeeds and says "8001 ubuntu-2404: changed"
    And nothing waits for a restart of VM 8001
    And VM 8001 runs with 4 cores
    And VM 8001 is running

  Scenario: What only the next boot brings is remembered until it comes
    Given the administrator has another key
    When I run "phoenix create 8001"
    Then it succeeds and says "waiting for a restart: user-data"
    When I run "phoenix create 8001"
    Then it succeeds and says "8001 ubuntu-2404: no changes; waiting for a restart: user-data"
    And no changing command ran on the node
    When I run "phoenix create 8001 --restart"
    Then it succeeds and says "8001 ubuntu-2404: changed"
    When I run "phoenix create 8001"
    Then it succeeds and says "8001 ubuntu-2404: no changes"
    And it does not say "waiting for a restart"

  Scenario: What only cloud-init brings into the guest waits for a restart
    Given VM 8001 has "network_config" set to {"ip": "10.0.0.5/24", "gw": "10.0.0.1"}
    When I run "phoenix create 8001"
    Then it succeeds and says "address: ip=dhcp → ip=10.0.0.5/24,gw=10.0.0.1   (at next start)"
    And it says "8001 ubuntu-2404: changed"
    And it says "waiting for a restart: ipconfig0"
    When I run "phoenix create 8001"
    Then it succeeds and says "8001 ubuntu-2404: no changes; waiting for a restart: ipconfig0"
    And no changing command ran on the node
    Given the administrator has another key
    When I run "phoenix create 8001"
    Then it succeeds and says "waiting for a restart: user-data"
    Given VM 8001 has "network_config" set to {"ip": "10.0.0.6/24", "gw": "10.0.0.1"}
    When I run "phoenix create 8001 --restart"
    Then it succeeds and says "8001 ubuntu-2404: changed"
    When I run "phoenix create 8001"
    Then no changing command ran on the node
    And it says "8001 ubuntu-2404: no changes"

  @fake-node
  Scenario: What is not stated of the network stays, and what is stated as none goes
    Given VM 8001 has "network_config" set to {"ip": "10.0.0.5/24", "gw": "10.0.0.1", "nameserver": "10.0.0.53", "vlan_tag": 30}
    And VM 8001 has "boot_order" set to 3
    And VM 8001 has "tags" set to ["web"]
    And VM 8001 has "description" set to "notes"
    And I have run "phoenix create 8001"
    And VM 8001 has "network_config" set to {"searchdomain": "example.com"}
    When I run "phoenix create 8001"
    Then it succeeds and says "8001 ubuntu-2404: changed"
    And VM 8001 has the options
      | option       | value                      |
      | ipconfig0    | ip=10.0.0.5/24,gw=10.0.0.1 |
      | nameserver   | 10.0.0.53                  |
      | searchdomain | example.com                |
    Given VM 8001 has "network_config" set to {"ip": null, "nameserver": [], "searchdomain": null, "vlan_tag": null}
    And VM 8001 has "boot_order" set to null
    And VM 8001 has "tags" set to null
    And VM 8001 has "description" set to null
    When I run "phoenix plan 8001"
    Then it succeeds and says "- tag: 30 (null in the file)"
    And it says "- ip: 10.0.0.5/24 (null in the file)   (at next start)"
    And it says "- nameserver: 10.0.0.53 ([] in the file)   (at next start)"
    And it says "- start order: 3 (null in the file)"
    And it says "- description: notes (null in the file)"
    When I run "phoenix create 8001"
    Then it succeeds and says "waiting for a restart: ipconfig0"
    And exactly 1 changing command ran on the node
    When I run "phoenix create 8001"
    Then it succeeds and says "8001 ubuntu-2404: no changes"
    And no changing command ran on the node

  @fake-node
  Scenario: The root disk is where the boot order says
    Given someone ran "qm create 8002 --name erp --memory 2048 --cores 2 --net0 virtio,bridge=vmbr0 --virtio0 local:8 --scsi0 local:4 --ide2 local:cloudinit --boot order=virtio0"
    And a configuration that also has VM 8002 named "erp"
    When I run "phoenix adopt 8002 --no-wait"
    Then it succeeds and says "disk virtio0: 8 GiB → 32 GiB"
    And VM 8002 has the option "scsi0" with the value "local:8002/vm-8002-disk-0.raw,size=4G"
    Given someone ran "qm set 8002 --boot order=net0"
    When I run "phoenix plan 8002"
    Then it fails with status 5 and says "VM 8002 has several hard disks (scsi0, virtio0), and its boot order names none of them"
    And it says "qm set 8002 --boot order="

  Scenario: A disk grows in place
    Given VM 8001 has "disk_size_gb" set to 64
    When I run "phoenix create 8001"
    Then it succeeds
    And the root disk of VM 8001 has 64 GiB
    When I run "phoenix create 8001"
    Then no changing command ran on the node

  Scenario: A VM is never made anew for another base image
    Given VM 8001 has "template_image" set to "/var/lib/vz/template/iso/another.img"
    When I run "phoenix create 8001"
    Then it succeeds and says "8001 ubuntu-2404: no changes"
    And it says "`template_image` says /var/lib/vz/template/iso/another.img, and the VM was made from"
    And no changing command ran on the node

  @fake-node
  Scenario: A disk that someone added keeps its slot, and the root disk its own
    Given someone ran "qm set 8001 --scsi1 local:1"
    And VM 8001 has "disk_size_gb" set to 40
    When I run "phoenix create 8001"
    Then it succeeds
    And exactly 1 changing command ran on the node
    And the root disk of VM 8001 has 40 GiB
    And VM 8001 has the option "scsi1" with the value "local:8001/vm-8001-disk-1.raw,size=1G"

  Scenario: A disk is never shrunk
    Given VM 8001 has "disk_size_gb" set to 16
    When I run "phoenix create 8001"
    Then it fails with status 5 and says "no disk is shrunk to 16 GiB"
    And no changing command ran on the node

  @second-bridge
  Scenario: A change of the network card keeps its MAC address
    Given the MAC address of VM 8001 is remembered
    And VM 8001 has "network_bridge" set to "vmbr1"
    When I run "phoenix create 8001"
    Then it succeeds and says "network card net0: bridge vmbr0 → vmbr1"
    And the network card of VM 8001 is on bridge "vmbr1"
    And VM 8001 still has the remembered MAC address

  Scenario: New keys reach the user-data
    Given the administrator has another key
    When I run "phoenix create 8001"
    Then it succeeds and says "8001 ubuntu-2404: changed"
    And the user-data of VM 8001 creates the configured administrator
    When I run "phoenix create 8001"
    Then no changing command ran on the node

  Scenario: What someone set by hand and the configuration does not state stays
    Given someone ran "qm set 8001 --onboot 1 --tags phoenix;mine --description by-hand"
    When I run "phoenix create 8001"
    Then it succeeds and says "8001 ubuntu-2404: no changes"
    And VM 8001 has the option "tags" with the value "mine;phoenix"
    Given VM 8001 has "tags" set to []
    When I run "phoenix create 8001"
    Then it succeeds and says "8001 ubuntu-2404: changed"
    And VM 8001 has the option "tags" with the value "phoenix"

  Scenario: What someone changed by hand and the configuration states comes back
    Given someone ran "qm set 8001 --name renamed-not"
    And someone ran "qm set 8001 --name ubuntu-2404 --cores 8"
    When I run "phoenix create 8001"
    Then it succeeds and says "8001 ubuntu-2404: changed"
    And nothing waits for a restart of VM 8001

  Scenario: A VM that is not ours is refused, and can be adopted
    Given someone ran "qm set 8001 --tags mine --description theirs"
    When I run "phoenix create 8001"
    Then it fails with status 5 and says "phoenix did not make"
    And no changing command ran on the node
    When I run "phoenix adopt 8001"
    Then it succeeds
    And VM 8001 has the option "tags" with the value "mine;phoenix"

  Scenario: A VM with another name is refused
    Given someone ran "qm set 8001 --name precious"
    When I run "phoenix create 8001"
    Then it fails with status 5 and says "the configuration calls it `ubuntu-2404`"
    And no changing command ran on the node

  Scenario: A locked VM is not changed
    Given VM 8001 has "cores" set to 4
    And VM 8001 is locked by "backup"
    When I run "phoenix create 8001"
    Then it fails with status 5 and says "8001 is locked (backup)"
    And no changing command ran on the node
