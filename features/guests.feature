@guests
Feature: Guests that can really be entered
  A VM of the fake node is a Debian user land with real cloud-init, sshd and sudo behind it, and what is tried here is
  what an administrator does: log in, with OpenSSH and the connection that phoenix gives.

  Background:
    Given VM 8001 "ubuntu-2404" that boots, made by "phoenix create 8001 --verify"

  Scenario: Creating it ended with a login
    Then making it ended with a login as "admin" that saw the hostname "ubuntu-2404" and cloud-init "done"
    And making it again with "phoenix create 8001 --verify" changes nothing and logs in again

  Scenario: Its administrator comes in, and nobody else
    Then I can SSH into 8001 with its key
    And I can SSH into 8001 with its password
    And I cannot SSH into 8001 with another key
    And I cannot SSH into 8001 with the password "wrong"

  Scenario: It is what the configuration says
    Then 8001 is what the configuration says

  Scenario: phoenix ssh is ssh
    When I run "phoenix ssh 8001 -- hostname; echo --version; exit 7"
    Then it ends with status 7
    And it says "ubuntu-2404"
    And it says "--version"
    When I run "phoenix --dry-run ssh 8001"
    Then it succeeds and says "HostKeyAlias=phoenix-8001"

  Scenario: Its host key is remembered, and another one is refused
    Given someone else answers in place of 8001
    When I run "phoenix ssh 8001 -- true"
    Then it ends with status 255
    And it says "HOST IDENTIFICATION HAS CHANGED"
    When I run "phoenix create 8001 --verify"
    Then it fails with status 11 and says "another host key than at the first contact"

  Scenario: It is the same after stop and start
    When I run "phoenix stop 8001"
    Then it succeeds and says "8001 ubuntu-2404: stopped"
    And I cannot SSH into 8001 with its key
    When I run "phoenix start 8001 --wait=cloud-init"
    Then it succeeds and says "8001 ubuntu-2404: started"
    And I can SSH into 8001 with its key
    And 8001 is what the configuration says

  Scenario: Nothing is left after phoenix delete
    When I run "phoenix delete 8001 --yes"
    Then it succeeds and says "8001 ubuntu-2404: deleted"
    And no process, port, mount or file of 8001 is left
