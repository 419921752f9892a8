@template
Feature: Containers
  The same commands serve containers: one ID, one command, and phoenix finds out which kind it is.

  Background:
    Given a node with the Debian container template
    And a configuration with container 101 named "debian-12"

  Scenario Outline: A container is created, configured and started
    When I run "<command>"
    Then it succeeds and says "101 debian-12: created"
    And container 101 is running
    And container 101 has the options
      | option       | value     |
      | hostname     | debian-12 |
      | cores        | 1         |
      | memory       | 512       |
      | tags         | phoenix   |
      | unprivileged | 1         |
    And the root disk of container 101 has 8 GiB

    Examples:
      | command            |
      | phoenix create 101 |
      | phoenix 101        |

  @second-bridge
  Scenario: Everything that a container can have
    Given container 101 has "network_config" set to {"name": "eth0", "bridge": "vmbr1", "ip": "10.0.0.6/24", "gw": "10.0.0.1"}
    And container 101 has "nameservers" set to ["10.0.0.1", "9.9.9.9"]
    And container 101 has "searchdomain" set to "example.com"
    And container 101 has "swap_mb" set to 256
    And container 101 has "features" set to {"nesting": true}
    And container 101 has "mount_points" set to {"mp0": {"storage_pool": "local", "size_gb": 4, "path": "/srv"}}
    And container 101 has "start_at_boot" set to true
    And container 101 has "tags" set to ["db"]
    And container 101 has "ssh_authorized_keys" set to ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n me@example"]
    When I run "phoenix create 101"
    Then it succeeds
    And container 101 has the options
      | option       | value            |
      | nameserver   | 10.0.0.1 9.9.9.9 |
      | searchdomain | example.com      |
      | swap         | 256              |
      | features     | nesting=1        |
      | onboot       | 1                |
      | tags         | db;phoenix       |
    When I run "phoenix create 101"
    Then it succeeds and says "101 debian-12: no changes"
    And no changing command ran on the node

  Scenario: The calls that a user waits for are few
    When I run "phoenix create 101"
    Then at most 6 commands ran on the node, polling the agent aside
    When I run "phoenix create 101"
    Then at most 2 commands ran on the node, polling the agent aside
    And no changing command ran on the node
    And the node's configuration files and snippets are as before
    When I run "phoenix delete 101 --yes"
    Then at most 5 commands ran on the node, polling the agent aside

  Scenario: A running container is never stopped by create
    Given I have run "phoenix create 101"
    And container 101 has "memory_mb" set to 1024
    And container 101 has "features" set to {"nesting": true}
    When I run "phoenix create 101"
    Then it succeeds and says "waiting for a restart: features"
    And exactly 1 changing command ran on the node
    And container 101 is running
    When I run "phoenix create 101 --restart"
    Then it succeeds
    And container 101 has the option "features" with the value "nesting=1"

  Scenario: Volumes grow and are never shrunk
    Given I have run "phoenix create 101"
    And container 101 has "storage_size_gb" set to 16
    When I run "phoenix create 101"
    Then it succeeds
    And the root disk of container 101 has 16 GiB
    Given container 101 has "storage_size_gb" set to 4
    When I run "phoenix create 101"
    Then it fails with status 5 and says "no disk is shrunk to 4 GiB"
    And no changing command ran on the node

  Scenario: A volume that moves and grows while its container runs
    Given container 101 has "mount_points" set to {"mp0": {"storage_pool": "local", "size_gb": 4, "path": "/srv"}}
    And I have run "phoenix create 101"
    And container 101 has "mount_points" set to {"mp0": {"storage_pool": "local", "size_gb": 5, "path": "/data"}}
    When I run "phoenix create 101"
    Then it succeeds and says "waiting for a restart: mp0"
    Given container 101 has "mount_points" set to {"mp0": {"storage_pool": "local", "size_gb": 6, "path": "/data"}}
    When I run "phoenix create 101"
    Then it succeeds and says "disk mp0: 5 GiB → 6 GiB"
    When I run "phoenix create 101 --restart"
    Then it succeeds and says "101 debian-12: changed"
    When I run "phoenix create 101"
    Then it succeeds and says "101 debian-12: no changes"
    And no changing command ran on the node

  @second-storage
  Scenario Outline: What cannot change after creation is a conflict
    Given I have run "phoenix create 101"
    And container 101 has "<key>" set to <value>
    When I run "phoenix plan 101"
    Then it fails with status 5 and says "<problem>"
    And no changing command ran on the node

    Examples:
      | key          | value                                 | problem                                     |
      | unprivileged | false                                 | was not made privileged, and that cannot change |
      | template     | "local:vztmpl/alpine-3.20.tar.zst"    | container 101 holds debian                  |
      | storage_pool | "local-lvm"                           | rootfs is on `local`                        |

  Scenario: A dry run shows the commands and changes nothing
    When I run "phoenix create 101 --dry-run"
    Then it succeeds and says "pct create 101 local:vztmpl/debian-12"
    And it says "pct start 101"
    And no changing command ran on the node

  Scenario: A static address needs a gateway
    Given container 101 has "network_config" set to {"name": "eth0", "bridge": "vmbr0", "ip": "10.0.0.6/24"}
    When I run "phoenix create 101"
    Then it fails with status 3 and says "lxc_configs.101.network_config: `gw` is required with a static ip"
    And no command ran on the node

  @fake-node
  Scenario: What is stated as none goes
    Given container 101 has "network_config" set to {"name": "eth0", "bridge": "vmbr0", "ip": "10.0.0.6/24", "gw": "10.0.0.1"}
    And container 101 has "nameservers" set to ["10.0.0.1"]
    And container 101 has "vlan_tag" set to 30
    And I have run "phoenix create 101"
    And container 101 has "network_config" set to {"name": "eth0", "bridge": "vmbr0", "ip": "10.0.0.6/24", "gw": null}
    And container 101 has "nameservers" set to null
    And container 101 has "vlan_tag" set to null
    And container 101 has "cores" set to null
    When I run "phoenix create 101"
    Then it succeeds and says "- gw: 10.0.0.1 (null in the file)"
    And it says "- cores: 1 (null in the file)"
    And it says "- tag: 30 (null in the file)"
    And exactly 1 changing command ran on the node
    When I run "phoenix create 101"
    Then it succeeds and says "101 debian-12: no changes"
    And no changing command ran on the node

  @fake-node
  Scenario: A folder in the slot of a volume is a conflict that is told
    Given I have run "phoenix create 101"
    And someone ran "pct set 101 --mp0 /srv/media,mp=/media"
    And container 101 has "mount_points" set to {"mp0": {"storage_pool": "local", "size_gb": 4, "path": "/media"}}
    When I run "phoenix create 101"
    Then it fails with status 5 and says "mount_points.mp0: mp0 is the folder /srv/media of the node"
    And no changing command ran on the node

  Scenario: A missing template
    Given container 101 has "template" set to "local:vztmpl/nothing.tar.zst"
    When I run "phoenix create 101"
    Then it fails with status 5 and says "template: the node has no file local:vztmpl/nothing.tar.zst"
    And it says "pveam"
    And no changing command ran on the node

  Scenario: No secret reaches a command line
    Given container 101 has a password
    When I run "phoenix create 101 --verbose"
    Then it succeeds
    And the password hash stands nowhere in the output
    And the password hash stands in no command line of the journal

  Scenario: Power, status, and the end
    Given I have run "phoenix create 101"
    When I run "phoenix stop 101"
    Then it succeeds and says "101 debian-12: stopped"
    When I run "phoenix start 101"
    Then it succeeds and says "101 debian-12: started"
    When I run "phoenix restart 101"
    Then it succeeds and says "101 debian-12: restarted"
    When I run "phoenix status 101"
    Then it succeeds and says "101  debian-12  container  running"
    When I run "phoenix delete 101 --yes"
    Then it succeeds and says "101 debian-12: deleted"
    And container 101 does not exist

  Scenario: A container that phoenix did not make is kept
    Given I have run "phoenix create 101"
    And someone ran "pct set 101 --tags theirs --description theirs"
    When I run "phoenix delete 101 --yes"
    Then it fails with status 5 and says "phoenix did not make"
    And no changing command ran on the node

  Scenario: A container cloned from another one
    Given a configuration that also has container 102 named "copy" cloned from 101
    And container 102 has "memory_mb" set to 1024
    When I run "phoenix create 102"
    Then it succeeds and says "101 debian-12: created"
    And it says "102 copy: created"
    And container 102 has the options
      | option   | value   |
      | hostname | copy    |
      | memory   | 1024    |
      | tags     | phoenix |
    And container 101 is running
    When I run "phoenix create 102"
    Then no changing command ran on the node

  Scenario: A running container is not cloned, and not stopped for it
    Given I have run "phoenix create 101"
    And a configuration that also has container 102 named "copy" cloned from 101
    When I run "phoenix create 102"
    Then it fails with status 5 and says "container 101 is running, and Proxmox clones none that runs"
    And no changing command ran on the node
    Given I have run "phoenix stop 101"
    When I run "phoenix create 102"
    Then it succeeds and says "102 copy: created"
