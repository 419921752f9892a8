@guests
Feature: Guests that are different
  Each has a node of its own, so what is not quick is left to continuous integration.

  Scenario: Nothing is left when all of it was killed before
    Given a node whose guests boot
    And I have run "phoenix create 8001 --no-wait"
    And every process of 8001 is killed
    When I run "phoenix delete 8001 --yes"
    Then it succeeds and says "8001 ubuntu-2404: deleted"
    And no process, port, mount or file of 8001 is left

  @slow
  Scenario: Without ssh_password_login no password comes in
    Given a node whose guests boot
    And no password is let in
    And I have run "phoenix create 8001 --wait=cloud-init"
    Then I can SSH into 8001 with its key
    And I cannot SSH into 8001 with the password "correct horse"

  @slow
  Scenario: A static address is waited for without asking the agent for it
    Given a node whose guests boot
    And VM 8001 has "network_config" set to {"ip": "10.9.8.7/24", "gw": "10.9.8.1"}
    When I run "phoenix create 8001 --wait=ssh --verbose"
    Then it succeeds and says "waiting for the SSH port"
    And no command "qm agent" ran on the node
    And I can SSH into 8001 with its key
    And 8001 has the address "10.9.8.7"

  @slow
  Scenario: Its host key goes with the boot that makes it another instance, and with no other
    Given a node whose guests boot
    And I have run "phoenix create 8001 --verify"
    And VM 8001 has "memory_mb" set to 1024
    And I have run "phoenix create 8001 --restart"
    Then the host key of 8001 is pinned
    Given VM 8001 has "network_config" set to {"ip": "10.9.8.7/24", "gw": "10.9.8.1", "nameserver": "10.9.8.1"}
    And I have run "phoenix create 8001"
    Then the host key of 8001 is pinned
    When I run "phoenix restart 8001"
    Then the host key of 8001 is forgotten
    When I run "phoenix create 8001 --verify"
    Then it succeeds and says "logged in as admin"

  @slow
  Scenario: cloud-init that fails is told, with the module, and the guest is left as it is
    Given a node whose guests boot
    And the user-data also has "runcmd: [[false]]"
    When I run "phoenix create 8001 --wait=cloud-init"
    Then it fails with status 11 and says "cloud-init ended with errors: scripts-user: "
    And it says "phoenix ssh 8001"
    And VM 8001 is running

  @slow
  Scenario: A key that nobody has is found out by --verify
    Given a node whose guests boot
    And the administrator's key is one that I do not have
    When I run "phoenix create 8001 --verify"
    Then it fails with status 11 and says "admin is not let in with any of your keys"
    And VM 8001 is running

  @slow
  Scenario: An agent that never answers ends the waiting, not the guest
    Given a node whose guests boot
    And the guest agent never answers
    When I run "phoenix create 8001 --wait=ssh --timeout 1"
    Then it fails with status 7 and says "the guest agent did not answer within 1 s"
    And VM 8001 is running
    When I run "phoenix create 8001 --wait=none"
    Then it succeeds and says "8001 ubuntu-2404: no changes"

  @slow
  Scenario: A container is entered the same way
    Given a node whose guests boot
    And a container 101 named "ct101" with my key
    When I run "phoenix create 101 --verify"
    Then it succeeds and says "logged in as root: hostname ct101"
    When I run "phoenix ssh 101 -- id -un"
    Then it succeeds and says "root"
    When I run "phoenix delete 101 --yes"
    Then it succeeds and says "101 ct101: deleted"
