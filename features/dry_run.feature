Feature: Look before you leap
  plan and --dry-run show what would happen, with the exact commands, and change nothing.

  Background:
    Given a node with the Ubuntu cloud image
    And a configuration with VM 8001 named "ubuntu-2404"

  Scenario Outline: Nothing is made by a dry run
    When I run "<command>"
    Then it succeeds and says "8001 ubuntu-2404 (VM): will be created"
    And it says "qm create 8001"
    And it says "qm disk resize 8001 scsi0 32G"
    And it says "qm start 8001"
    And no changing command ran on the node
    And VM 8001 does not exist
    And the node has no snippets

    Examples:
      | command                       |
      | phoenix plan 8001             |
      | phoenix create 8001 --dry-run |
      | phoenix --dry-run 8001        |
      | phoenix -n create 8001        |

  Scenario: The commands that a dry run shows are those that run
    Given I note the commands that "phoenix create 8001 --dry-run" shows
    When I run "phoenix create 8001"
    Then the noted commands are those that ran on the node

  Scenario: A plan shows old and new values and when they take effect
    Given I have run "phoenix create 8001"
    And VM 8001 has "memory_mb" set to 4096
    When I run "phoenix plan 8001"
    Then it succeeds and says "memory: 2048 MiB → 4096 MiB   (at next start)"
    And no changing command ran on the node

  Scenario: A dry run of delete lists the volumes and keeps them
    Given I have run "phoenix create 8001"
    When I run "phoenix delete 8001 --dry-run"
    Then it succeeds and says "volume: local:"
    And it says "qm destroy 8001"
    And no changing command ran on the node
    And VM 8001 is running

  Scenario: The exit status can tell whether something would change
    When I run "phoenix plan 8001 --exit-code"
    Then it ends with status 10
    Given I have run "phoenix create 8001"
    When I run "phoenix plan 8001 --exit-code"
    Then it ends with status 0

  @faults
  Scenario: Planning waits for nobody
    Given the guest agent never answers
    And I have run "phoenix create 8001 --no-wait"
    When I run "phoenix plan 8001"
    Then it succeeds and says "8001 ubuntu-2404 (VM): no changes"
    And no command "qm agent" ran on the node

  Scenario: No secret stands in a dry run
    Given the administrator has a password
    When I run "phoenix create 8001 --dry-run --verbose"
    Then it succeeds
    And the password hash stands nowhere in the output
    When I run "phoenix create 8001 --verbose"
    Then it succeeds
    And the password hash stands nowhere in the output
    And the password hash stands in no command line of the journal
