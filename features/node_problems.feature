Feature: A node that is not ready is explained before anything is touched
  One line says what is wrong, one what to do.

  Background:
    Given a node with the Ubuntu cloud image
    And a configuration with VM 8001 named "ubuntu-2404"

  @fake-node
  Scenario Outline: Something that the VM needs is missing
    Given VM 8001 has "<key>" set to "<value>"
    When I run "phoenix create 8001"
    Then it fails with status 5 and says "<problem>"
    And it says "<advice>"
    And no changing command ran on the node
    And VM 8001 does not exist

    Examples:
      | key            | value       | problem                                                | advice                     |
      | template_image | /nowhere.img | template_image: the node has no file /nowhere.img     | download the cloud image   |
      | storage_pool   | nowhere      | storage_pool: the node has no storage `nowhere`       | it has: local, local-lvm   |
      | network_bridge | vmbr9        | network_bridge: the node has no bridge `vmbr9`        | it has: vmbr0, vmbr1       |
      | network_bridge | eno1         | network_bridge: the node has no bridge `eno1`         | it has: vmbr0, vmbr1       |

  @disposable-node
  Scenario: A storage without snippets, with the command that mends it
    Given someone ran "pvesm set local --content images,iso"
    When I run "phoenix create 8001"
    Then it fails with status 5 and says "snippet_storage: the storage `local` does not allow the content type `snippets`"
    And it says "pvesm set local --content images,iso,snippets"
    And no changing command ran on the node
    Given someone ran "pvesm set local --content images,iso,snippets"
    When I run "phoenix create 8001"
    Then it succeeds

  @disposable-node
  Scenario: A storage without disks
    Given someone ran "pvesm set local --content iso,snippets"
    When I run "phoenix create 8001"
    Then it fails with status 5 and says "storage_pool: the storage `local` does not allow the content type `images`"
    And no changing command ran on the node

  @fake-node
  Scenario Outline: An image that cannot be used is not used
    Given the cloud image is <content>
    When I run "phoenix create 8001"
    Then it fails with status 5 and says "noble-server-cloudimg-amd64.img <problem>"
    And it says "download it again"
    And no changing command ran on the node

    Examples:
      | content             | problem          |
      | cut off             | is cut off       |
      | empty               | is empty         |
      | an answer of a site | is no disk image |

  @fake-node
  Scenario: An image larger than the disk
    Given VM 8001 has "disk_size_gb" set to 2
    When I run "phoenix create 8001"
    Then it fails with status 5 and says "is smaller than the image"
    And it says "set `disk_size_gb` to at least 4"
    And no changing command ran on the node

  @disposable-node
  Scenario: The ID belongs to a container of someone else
    Given someone made container 8001
    When I run "phoenix create 8001"
    Then it fails with status 5 and says "8001 is a container here, the configuration defines a VM; it is called `theirs`"
    And no changing command ran on the node

  @fake-node
  Scenario Outline: The disk of someone else's container is no rest of ours, whatever a run that was interrupted noted
    Given a run that was to make VM 8001 "ubuntu-2404" was interrupted at once
    And someone made container 8001
    When I run "phoenix <command> 8001"
    Then no changing command ran on the node
    And storage "local" still has the volume "8001/vm-8001-disk-0.raw"

    Examples:
      | command              |
      | create               |
      | delete --force --yes |

  @faults
  Scenario: No Proxmox VE here
    Given the node's tools are missing
    When I run "phoenix create 8001"
    Then it fails with status 8 and says "there is no `qm` on"
    And it says "--host HOST"

  @faults
  Scenario: The guest agent never answers
    Given the guest agent never answers
    When I run "phoenix create 8001 --timeout 0.2"
    Then it fails with status 7 and says "the guest agent did not answer within 0.2 s"
    And VM 8001 is running
    When I run "phoenix create 8001"
    Then it succeeds and says "8001 ubuntu-2404: no changes"

  @faults
  Scenario: Without waiting
    Given the guest agent never answers
    When I run "phoenix create 8001 --no-wait"
    Then it succeeds and says "8001 ubuntu-2404: created"

  @fake-node
  Scenario Outline: A guest that was moved to another node is not absent, and nothing of it is touched
    Given I have run "phoenix create 8001"
    And VM 8001 was moved to node "pve2"
    When I run "phoenix <command> 8001 <flags>"
    Then it fails with status 5 and says "8001 ubuntu-2404 is on node pve2"
    And it says "phoenix --host pve2 <command> 8001"
    And it says "qm migrate 8001 pve1"
    And no changing command ran on the node
    And the node's configuration files and snippets are as before

    Examples:
      | command | flags |
      | create  |       |
      | delete  | --yes |
      | start   |       |

  @fake-node
  Scenario: It is listed where it is
    Given I have run "phoenix create 8001"
    And VM 8001 was moved to node "pve2"
    When I run "phoenix list"
    Then it succeeds and says "on node pve2"

  @fake-node
  Scenario: The ID belongs to a guest of someone else on another node
    Given VM 8001 is "shop-db" of someone else on node "pve2"
    When I run "phoenix create 8001"
    Then it fails with status 5 and says "the ID 8001 is taken by VM `shop-db` on node pve2"
    And it says "give the guest another ID"
    And no changing command ran on the node

  @disposable-node
  Scenario: Deleting a VM whose ID a container has says so
    Given someone made container 8001
    When I run "phoenix delete 8001 --yes"
    Then it fails with status 5 and says "8001 is a container here, the configuration defines a VM"
    And no changing command ran on the node

  @fake-node
  Scenario: Without quorum nothing is begun, and with it again the same command works
    Given I have run "phoenix create 8001"
    And the node has lost its quorum
    When I run "phoenix delete 8001 --yes"
    Then it fails with status 8 and says "the node pve1 has no quorum (1 of 3 nodes online), so nothing can be changed"
    And no changing command ran on the node
    And VM 8001 is running
    When I run "phoenix create 8001"
    Then it succeeds and says "8001 ubuntu-2404: no changes"
    Given the node has its quorum
    When I run "phoenix delete 8001 --yes"
    Then it succeeds and says "deleted"

  @fake-node
  Scenario: Without quorum nothing is made
    Given the node has lost its quorum
    When I run "phoenix create 8001"
    Then it fails with status 8 and says "has no quorum"
    And it says "pvecm status"
    And no changing command ran on the node
    And the node has no snippets

  @faults
  Scenario: HA is asked for a restart, and it is waited for
    Given I have run "phoenix create 8001"
    And HA looks after VM 8001
    And HA's manager is at work
    And VM 8001 has "cores" set to 4
    When I run "phoenix create 8001 --restart --no-wait"
    Then it succeeds and says "8001 ubuntu-2404: changed"
    And it says "managed by HA"
    And VM 8001 is running
    And VM 8001 runs with 4 cores
    And nothing waits for a restart of VM 8001

  @faults
  Scenario: HA is asked to stop what is deleted
    Given I have run "phoenix create 8001"
    And HA looks after VM 8001
    And HA's manager is at work
    When I run "phoenix delete 8001 --yes"
    Then it succeeds and says "8001 ubuntu-2404: deleted"
    And HA does not look after VM 8001 any more
    And nothing is left on the node

  @faults
  Scenario Outline: Nobody carries out what HA is asked for, and nothing is claimed
    Given I have run "phoenix create 8001"
    And HA looks after VM 8001
    When I run "phoenix <command> 8001 --timeout 0.3"
    Then it fails with status 7 and says "8001 ubuntu-2404: HA manages it and decides; it was asked to stop it"
    And it says "ha-manager status"
    And VM 8001 is running

    Examples:
      | command      |
      | restart      |
      | delete --yes |

  @faults
  Scenario: What HA has given up is not asked for
    Given I have run "phoenix create 8001"
    And HA has given up VM 8001
    When I run "phoenix restart 8001"
    Then it fails with status 5 and says "HA has given it up (state error)"
    And it says "ha-manager set vm:8001 --state disabled"
    And no changing command ran on the node

  @fake-node
  Scenario: A hibernated VM goes on when it is started
    Given I have run "phoenix create 8001"
    And VM 8001 is hibernated
    And VM 8001 has "cores" set to 4
    When I run "phoenix create 8001"
    Then it fails with status 5 and says "8001 is hibernated (suspended to disk)"
    And it says "phoenix start 8001"
    And no changing command ran on the node
    When I run "phoenix start 8001"
    Then it succeeds and says "8001 ubuntu-2404: started"
    And VM 8001 is running

  @fake-node
  Scenario Outline: What could not start again is not shut down
    Given I have run "phoenix create 8001"
    And the configuration of VM 8001 also has "<line>"
    And VM 8001 has "cores" set to <cores>
    When I run "phoenix create 8001 --restart"
    Then it fails with status 5 and says "<problem>"
    And no changing command ran on the node
    And VM 8001 is running

    Examples:
      | line                                        | cores | problem                                           |
      | onboot: 0                                   | 99    | cores: 99 is more than the node has, 8 processors |
      | balloon: 4096                               | 4     | memory: 2048 MiB is less than what the balloon    |
      | net1: virtio=BC:24:11:00:80:02,bridge=vmbr7 | 4     | net1: the node has no bridge `vmbr7`              |

  @fake-node
  Scenario: No VM is made that the node would not start
    Given VM 8001 has "cores" set to 99
    When I run "phoenix create 8001"
    Then it fails with status 5 and says "set `cores` to at most 8"
    And no changing command ran on the node
    And VM 8001 does not exist

  @fake-node
  Scenario: A storage that is for another node
    Given storage "local-lvm" is for node "pve2" only
    And VM 8001 has "storage_pool" set to "local-lvm"
    When I run "phoenix create 8001"
    Then it fails with status 5 and says "storage_pool: the storage `local-lvm` is not for this node, only for pve2"
    And no changing command ran on the node
