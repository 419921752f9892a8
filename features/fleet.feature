@template
Feature: A fleet of both kinds
  Guests come up in the order of their needs, side by side where they can, and go in reverse.

  Background:
    Given a node with the Ubuntu cloud image
    And a node with the Debian container template
    And a configuration with VM 8001 named "vm1"
    And a configuration that also has VM 8002 named "vm2" that depends on 8001
    And a configuration that also has VM 8003 named "vm3" that depends on 101
    And a configuration that also has VM 8004 named "vm4"
    And a configuration that also has VM 8005 named "vm5" cloned from 8004
    And a configuration with container 101 named "ct1"
    And a configuration that also has container 102 named "ct2" cloned from 101
    And a configuration that also has container 103 named "ct3"

  Scenario: Created, created again without change, deleted
    When I run "phoenix create --all"
    Then it succeeds and says "8 guests: 8 created"
    And it says "8001 vm1 (VM): will be created"
    And it says "8001 vm1: starting …"
    And it does not say "memory: 2048 MiB"
    And the guests were started in an order that has 8001 before 8002
    And the guests were started in an order that has 101 before 8003
    And the guests were made in an order that has 8004 before 8005
    And the guests were made in an order that has 101 before 102
    When I run "phoenix create --all"
    Then it succeeds and says "8 guests: 8 no changes"
    And stdout is exactly one line
    And no changing command ran on the node
    And at most 4 commands ran on the node, polling the agent aside
    When I run "phoenix plan --all --exit-code"
    Then it ends with status 0
    And it says "8 guests: 8 unchanged"
    And stdout is exactly one line
    And at most 4 commands ran on the node, polling the agent aside
    When I run "phoenix list"
    Then it succeeds and says "8005  vm5   vm         running"
    And at most 4 commands ran on the node, polling the agent aside
    When I run "phoenix delete --all --yes"
    Then it succeeds and says "8 guests: 8 deleted"
    And the guests were destroyed in an order that has 8002 before 8001
    And the guests were destroyed in an order that has 8005 before 8004
    And nothing is left on the node

  Scenario: Creating one guest brings up what it needs
    When I run "phoenix create 8002"
    Then it succeeds and says "8001 vm1 is needed as well"
    And VM 8001 is running
    And VM 8002 is running
    And VM 8004 does not exist

  Scenario: What another guest needs is not deleted
    Given I have run "phoenix create 8002"
    When I run "phoenix delete 8001 --yes"
    Then it fails with status 5 and says "8001 vm1 is needed by 8002"
    And no changing command ran on the node
    When I run "phoenix delete 8001 --yes --force"
    Then it succeeds
    When I run "phoenix delete 8002 --yes"
    Then it succeeds

  Scenario: One failure stops only what needs that guest
    Given VM 8001 has "storage_pool" set to "nowhere"
    When I run "phoenix create 8001 8002 8004"
    Then it fails with status 5 and says "the node has no storage `nowhere`"
    And it says "8002 vm2: not touched, because guest 8001 failed"
    And it says "3 guests: "
    And it says "2 failed"
    And it says "error: 8001 vm1: storage_pool: the node has no storage `nowhere`"
    And stdout says "8001 vm1: failed: storage_pool: the node has no storage `nowhere`"
    And stdout says "8002 vm2: failed: not touched, because guest 8001 failed"
    And VM 8004 is running
    And VM 8002 does not exist

  Scenario: The plan of a fleet ends in a sum, with the reasons beside what is refused
    Given I have run "phoenix create 8004"
    And VM 8001 has "storage_pool" set to "nowhere"
    And VM 8004 has "memory_mb" set to 4096
    When I run "phoenix plan 8001 8004 103"
    Then it fails with status 5 and says "3 guests: 1 to create, 1 to change, 1 refused"
    And stdout says "  ✗ storage_pool: the node has no storage `nowhere`"
    And it says "memory: 2048 MiB → 4096 MiB"
    And it says "error: 8001 vm1: storage_pool: "
    And it does not say "qm set"
    When I run "phoenix plan 8001 8004 103 --verbose"
    Then it fails with status 5 and says "  $ qm set 8004 --memory 4096"

  Scenario: A cycle is a configuration error that names it
    Given VM 8001 has "dependencies" set to [8002]
    When I run "phoenix create --all"
    Then it fails with status 3 and says "dependencies: a cycle:"
    And it says "8001 → 8002"
    And no command ran on the node

  Scenario: A dependency that is defined nowhere
    Given VM 8001 has "dependencies" set to [8099]
    When I run "phoenix validate"
    Then it fails with status 3 and says "vms[0] (8001).dependencies: 8099 is not defined"

  Scenario: A plan of what is yet to be cloned
    When I run "phoenix plan 8005"
    Then it succeeds and says "2 guests: 2 to create"
    And it says "full clone: of 8004, on local"
    And it says "qm clone 8004 8005 --name vm5 --full 1 --storage local"
    And no changing command ran on the node

  Scenario: One at a time
    When I run "phoenix create 8001 8004 --jobs 1"
    Then it succeeds and says "2 guests: 2 created"
