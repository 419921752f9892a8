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
