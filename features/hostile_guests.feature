@faults
Feature: A guest cannot attack its administrator
  Whatever a guest or its node says is a stranger's text: it is shown, and does nothing.

  Background:
    Given a node with the Ubuntu cloud image
    And a configuration with VM 8001 named "web1"
    And a configuration that also has VM 8002 named "web2"
    And I have run "phoenix create --all --no-wait"

  Scenario Outline: An address that is none is not taken
    Given 8001 says that its address is <address>
    When I run "phoenix ssh-config 8001"
    Then it fails with status 11 and says "8001 web1: it has no address yet"
    And stdout is empty

    Examples:
      | address                                      |
      | "2001:db8::1%h\\n  ProxyCommand touch PWNED"  |
      | "::ffff:127.0.0.1"                           |
      | 5                                            |

  Scenario Outline: An odd answer fails nobody else
    Given 8001 answers the question for its addresses with <answer>
    And 8002 says that its address is "fe80::7"
    When I run "phoenix create 8001 8002 --wait=ssh --timeout 0 --json"
    Then it ends with status 7
    And stdout is one JSON document in which "guests.0.error.status" is "7"
    And stdout is one JSON document in which "guests.1.error.status" is "7"
    And it says "8001 web1: its network card had no address within 0 s"
    And it says "8002 web2: its network card had no address within 0 s"

    Examples:
      | answer                      |
      | "ip-addresses": 3           |
      | a megabyte too much         |

  Scenario: A question that hangs ends with the time of its stage
    Given qm agent * hangs
    When I run "phoenix create 8001 --wait=agent --timeout 0"
    Then it fails with status 7 and says "8001 web1: the guest agent did not answer within 0 s"
    And it says "hung for 3 s"

  Scenario: What a node's tool prints does nothing to a terminal
    Given the node's tools say "no\x1b]0;owned\x07 \u202eway\x9b31m"
    When I run "phoenix plan 8001"
    Then it fails with status 6 and says "no\x1b]0;owned\x07 \u202eway\x9b31m"
    And nothing that I see moves a cursor or turns the direction of text

  Scenario: A name that is another guest's ID leads to nobody else
    Given VM 8001 has "name" set to "8002"
    And VM 8001 has "network_config" set to {"ip": "10.0.0.1/24"}
    And VM 8002 has "network_config" set to {"ip": "10.0.0.2/24"}
    When I run "phoenix validate"
    Then it succeeds and says "the name 8002 stands for the guest 8002"
    When I run "phoenix ssh-config 8001 8002"
    Then it succeeds and says "Host 8001 phoenix-8001"
    And it says "Host web2 8002 phoenix-8002"
