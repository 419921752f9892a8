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

  Scenario Outline: Where nobody can be asked nothing is deleted
    Given I have run "phoenix create 8001"
    When I run "<command>"
    Then it fails with status 5 and says "nothing was deleted: there is no terminal to ask on"
    And it says "add --yes"
    And no changing command ran on the node
    And VM 8001 is running

    Examples:
      | command                     |
      | phoenix delete 8001         |
      | phoenix delete --all --json |

  Scenario Outline: A terminal is asked, whatever is redirected, and only yes deletes
    Given I have run "phoenix create 8001"
    When on a terminal with <what> redirected I run "phoenix delete <guests>" and answer "<answer>"
    Then it ends with status <status>
    And it says "volume: local:8001/vm-8001-"
    And it says "Delete these for good? Type yes: "
    And it says "<words>"
    And no changing command ran on the node

    Examples:
      | what       | guests      | answer  | status | words                     |
      | nothing    | 8001        | y       | 5      | nothing was deleted       |
      | stdout     | 8001 --json | no      | 5      | "ok": false               |
      | stderr     | --all       | yes yes | 5      | nothing was deleted       |
      | everything | 8001        | Ctrl-C  | 130    | nothing was being changed |

  Scenario Outline: Who answers yes has it deleted
    Given I have run "phoenix create 8001"
    When on a terminal with <what> redirected I run "phoenix delete 8001" and answer "yes"
    Then it succeeds and says "8001 ubuntu-2404: deleted"
    And VM 8001 does not exist

    Examples:
      | what       |
      | nothing    |
      | everything |

  Scenario: User-data that another guest refers to stays
    Given I have run "phoenix create 8001"
    And someone ran "qm stop 8001"
    And someone ran "qm clone 8001 8002 --name copy --full 1"
    When I run "phoenix delete 8001 --yes"
    Then it succeeds and says "stays, because 8002 refers to it"
    And VM 8001 does not exist
    Given someone ran "qm start 8002"
    Then VM 8002 is running

  Scenario: What needs no answer is not asked
    When I run "phoenix delete 8001"
    Then it succeeds and says "8001 ubuntu-2404: does not exist, nothing to delete"
    And no changing command ran on the node

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
