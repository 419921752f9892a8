Feature: Create a virtual machine
  A few lines of JSON become a running VM, and a second run changes nothing.

  Background:
    Given a node with the Ubuntu cloud image
    And a configuration with VM 8001 named "ubuntu-2404"

  Scenario: A VM is created, configured and started
    When I run "phoenix create 8001"
    Then it succeeds and says "8001 ubuntu-2404: created"
    And VM 8001 is running
    And VM 8001 has the options
      | option    | value                                      |
      | name      | ubuntu-2404                                |
      | cores     | 2                                          |
      | memory    | 2048                                       |
      | agent     | enabled=1                                  |
      | boot      | order=scsi0                                |
      | tags      | phoenix                                    |
      | ipconfig0 | ip=dhcp                                    |
      | cicustom  | user=local:snippets/phoenix-8001-user.yaml |
    And the root disk of VM 8001 has 32 GiB
    And the network card of VM 8001 is on bridge "vmbr0"

  Scenario: The number alone is enough
    When I run "phoenix 8001"
    Then it succeeds and says "8001 ubuntu-2404: created"
    And VM 8001 is running

  Scenario: The user-data creates the administrator and sets the hostname
    When I run "phoenix create 8001"
    Then the user-data of VM 8001 sets the hostname "ubuntu-2404"
    And the user-data of VM 8001 creates the configured administrator
    And the user-data of VM 8001 can only be read by its owner

  Scenario: A static address goes to cloud-init
    Given VM 8001 has "network_config" set to {"ip": "10.0.0.5/24", "gw": "10.0.0.1", "nameserver": "10.0.0.1", "searchdomain": "example.com"}
    When I run "phoenix create 8001"
    Then it succeeds
    And VM 8001 has the options
      | option       | value                      |
      | ipconfig0    | ip=10.0.0.5/24,gw=10.0.0.1 |
      | nameserver   | 10.0.0.1                   |
      | searchdomain | example.com                |

  @second-storage
  Scenario: A disk on an LVM-thin pool
    Given VM 8001 has "storage_pool" set to "local-lvm"
    When I run "phoenix create 8001"
    Then it succeeds
    And the root disk of VM 8001 is the volume "local-lvm:vm-8001-disk-"
    And the root disk of VM 8001 has 32 GiB

  @fake-node
  Scenario: A clone of a template that only the node knows
    Given someone ran "qm create 8003 --name golden --memory 512 --scsi0 local:4"
    And someone ran "qm template 8003"
    And a configuration that also has VM 8002 named "copy" cloned from 8003
    When I run "phoenix create 8002"
    Then it succeeds and says "8002 copy: created"
    And VM 8002 has the options
      | option | value     |
      | name   | copy      |
      | memory | 2048      |
      | tags   | phoenix   |
      | agent  | enabled=1 |
    And the root disk of VM 8002 has 32 GiB
    When I run "phoenix create 8002"
    Then it succeeds and says "8002 copy: no changes"
    And no changing command ran on the node

  Scenario: Creating again changes nothing
    Given I have run "phoenix create 8001"
    When I run "phoenix create 8001"
    Then it succeeds and says "8001 ubuntu-2404: no changes"
    And no changing command ran on the node
    And the node's configuration files and snippets are as before

  Scenario: A stopped VM is started again
    Given I have run "phoenix create 8001"
    And I have run "phoenix stop 8001"
    When I run "phoenix create 8001"
    Then it succeeds and says "8001 ubuntu-2404: changed"
    And VM 8001 is running

  Scenario: The calls that a user waits for are few
    When I run "phoenix create 8001"
    Then at most 7 commands ran on the node, polling the agent aside
    When I run "phoenix create 8001"
    Then at most 2 commands ran on the node, polling the agent aside
    When I run "phoenix delete 8001 --yes"
    Then at most 5 commands ran on the node, polling the agent aside

  Scenario: Several guests at once
    Given a configuration that also has VM 8002 named "web"
    When I run "phoenix create 8001 8002"
    Then it succeeds and says "8002 web: created"
    And VM 8001 is running
    And VM 8002 is running

  Scenario: One guest that cannot be made does not stop the others
    Given a configuration that also has VM 8002 named "web"
    And VM 8001 has "storage_pool" set to "nowhere"
    When I run "phoenix create 8001 8002"
    Then it fails with status 5 and says "storage_pool: the node has no storage `nowhere`"
    And VM 8001 does not exist
    And VM 8002 is running
