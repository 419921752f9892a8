Feature: The command line
  Every mistake is answered with what is wrong and what to do; each has its own exit status.

  Background:
    Given a node with the Ubuntu cloud image
    And a configuration with VM 8001 named "ubuntu-2404"

  Scenario: An ID that is defined nowhere
    When I run "phoenix create 8009"
    Then it fails with status 4 and says "8009 is not defined in"
    And it says "known IDs: 8001"
    And no command ran on the node

  Scenario: An ID that is defined twice
    Given a configuration that also has container 8001
    When I run "phoenix create 8001"
    Then it fails with status 3 and says "the ID 8001 is also defined in"
    And no command ran on the node

  Scenario Outline: Flags of the predecessor are explained
    When I run "phoenix <flag> 8001"
    Then it fails with status 2 and says "<flag> does not exist any more"
    And it says "use `<command>`"
    And no command ran on the node

    Examples:
      | flag        | command             |
      | --create-vm | phoenix create <ID> |
      | --start-vm  | phoenix start <ID>  |
      | --stop-vm   | phoenix stop <ID>   |
      | --delete-vm | phoenix delete <ID> |

  Scenario Outline: A command line that cannot be understood
    When I run "<command>"
    Then it fails with status 2 and says "<problem>"
    And no command ran on the node

    Examples:
      | command                         | problem                                           |
      | phoenix                         | no command is given                               |
      | phoenix creat 8001              | unknown command `creat`; did you mean `create`?   |
      | phoenix create                  | `create` needs at least one guest ID              |
      | phoenix statsu                  | did you mean `status`?                            |
      | phoenix create web              | `web` is neither a command nor a guest's ID       |
      | phoenix create 8001 --dryrun    | unknown option --dryrun; did you mean `--dry-run`? |
      | phoenix create 8001 --timeout x | --timeout takes a number of seconds, not `x`      |
      | phoenix create --all 8001       | `--all` and IDs exclude each other                |
      | phoenix apply 8001              | phoenix calls it `create`                         |
      | phoenix destroy --all           | write `phoenix delete --all`                      |
      | phoenix ls                      | write `phoenix list`                              |
      | phoenix validate config         | write `phoenix validate --config config`          |
      | phoenix list --color=blue       | --color takes auto, always or never               |

  Scenario: Without a word phoenix says how it is used
    When I run "phoenix"
    Then it fails with status 2 and says "phoenix [options] (create | plan | delete) (--all | <ID>...)"
    And it says "see `phoenix --help`"

  Scenario: Power commands
    Given I have run "phoenix create 8001"
    When I run "phoenix stop 8001"
    Then it succeeds and says "8001 ubuntu-2404: stopped"
    When I run "phoenix stop 8001"
    Then it succeeds and says "8001 ubuntu-2404: is stopped already"
    When I run "phoenix start 8001"
    Then it succeeds and says "8001 ubuntu-2404: started"
    When I run "phoenix restart 8001"
    Then it succeeds and says "8001 ubuntu-2404: restarted"
    And VM 8001 is running

  Scenario: Status and list
    Given a configuration that also has VM 8002 named "web"
    And I have run "phoenix create 8001"
    When I run "phoenix status 8001"
    Then it succeeds and says "8001  ubuntu-2404  vm    running"
    When I run "phoenix list"
    Then it succeeds and says "8002  web          vm    absent"

  Scenario: Status tells a guest that is somebody else's
    Given someone ran "qm create 8001 --name precious"
    When I run "phoenix status 8001"
    Then it succeeds and says "8001  ubuntu-2404  vm    stopped  not made by phoenix"
    Given someone ran "qm set 8001 --tags phoenix"
    When I run "phoenix list"
    Then it succeeds and says "called `precious` here"

  Scenario: JSON on stdout is one document
    When I run "phoenix create 8001 --json"
    Then it succeeds
    And stdout is one JSON document in which "guests.0.outcome" is "created"
    When I run "phoenix plan 8001 --json"
    Then stdout is one JSON document in which "plans.0.changes" is "[]"
    When I run "phoenix list --json"
    Then stdout is one JSON document in which "guests.0.status" is "running"
    When I run "phoenix create 8009 --json"
    Then it ends with status 4
    And stdout is one JSON document in which "error.status" is "4"
    When I run "phoenix creat 8001 --json"
    Then it ends with status 2
    And stdout is one JSON document in which "error.status" is "2"

  Scenario: Results go to stdout, the story to stderr
    When I run "phoenix create 8001"
    Then stdout is exactly one line
    When I run "phoenix delete 8001 --yes --quiet"
    Then stdout is exactly one line
    And stderr is empty

  @faults
  Scenario: Help and version need no node and no configuration
    Given the node's tools are missing
    When I run "phoenix --help"
    Then it succeeds and says "Usage:"
    When I run "phoenix create --help"
    Then it succeeds and says "Usage:"
    When I run "phoenix help create"
    Then it succeeds and says "Usage:"
    When I run "phoenix --version"
    Then it succeeds and says "phoenix 0."
    When I run "phoenix version"
    Then it succeeds and says "phoenix 0."

  Scenario: The configuration can be somewhere else
    When I run "phoenix list --config ELSEWHERE"
    Then it fails with status 3 and says "no such folder"
