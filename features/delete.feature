Feature: Delete a virtual machine
  Only what phoenix made, completely, and nothing else.

  Background:
    Given a node with the Ubuntu cloud image
    And a configuration with VM 8001 named "ubuntu-2404"

  Scenario: A running VM is stopped and destroyed, with its disks and its snippet
    Given I have run "phoenix create 8001"
    When I run "phoenix delete 8001 --yes"
    Then it succeeds and says "8001 ubuntu-2404: deleted"
    And VM 8001 does not exist
    And no volume of VM 8001 is left
    And the node has no snippets

  Scenario: Without a terminal nobody is asked
    Given I have run "phoenix create 8001"
    When I run "phoenix delete 8001"
    Then it succeeds and says "8001 ubuntu-2404: deleted"

  Scenario: What is not there is no error
    When I run "phoenix delete 8001 --yes"
    Then it succeeds and says "8001 ubuntu-2404: does not exist, nothing to delete"
    And no changing command ran on the node

  Scenario: Deleting twice is no error
    Given I have run "phoenix create 8001"
    And I have run "phoenix delete 8001 --yes"
    When I run "phoenix delete 8001 --yes"
    Then it succeeds and says "nothing to delete"

  Scenario: A VM that phoenix did not make is kept, unless forced
    Given someone ran "qm create 8001 --name ubuntu-2404 --memory 512"
    When I run "phoenix delete 8001 --yes"
    Then it fails with status 5 and says "phoenix did not make"
    And it says "--force"
    And no changing command ran on the node
    When I run "phoenix delete 8001 --yes --force"
    Then it succeeds
    And VM 8001 does not exist

  Scenario: A VM with another name is kept
    Given I have run "phoenix create 8001"
    And someone ran "qm set 8001 --name precious"
    When I run "phoenix delete 8001 --yes"
    Then it fails with status 5 and says "the configuration calls it `ubuntu-2404`"
    And no changing command ran on the node
    And VM 8001 is running

  Scenario: A protected VM is not even stopped
    Given VM 8001 has "protection" set to true
    And I have run "phoenix create 8001"
    When I run "phoenix delete 8001 --yes --force"
    Then it fails with status 5 and says "8001 is protected against removal"
    And no changing command ran on the node
    And VM 8001 is running

  Scenario: A locked VM is not even stopped
    Given I have run "phoenix create 8001"
    And VM 8001 is locked by "migrate"
    When I run "phoenix delete 8001 --yes --force"
    Then it fails with status 5 and says "8001 is locked (migrate)"
    And no changing command ran on the node
