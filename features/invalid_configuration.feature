Feature: An invalid configuration is explained, and nothing runs
  Every problem is named with its file and its place.

  Background:
    Given a node with the Ubuntu cloud image
    And a configuration with VM 8001 named "ubuntu-2404"

  Scenario: Bad values, each told at its place
    Given VMs like 8001, each with one bad value
      | key             | value                       | problem                                                             |
      | memory          | 2048                        | unknown key `memory`; did you mean `memory_mb`?                     |
      | hostname        | "web"                       | unknown key `hostname`; did you mean `name`?                        |
      | clone_from_vmid | 9000                        | `template_image` and `clone_from_vmid` exclude each other           |
      | cores           | 0                           | vms[3] (8001).cores: must be at least 1, is 0                       |
      | cores           | "2"                         | vms[4] (8001).cores: must be a whole number, is a string: write 2   |
      | vmid            | 99                          | vms[5] (99).vmid: must be at least 100, is 99                       |
      | name            | "my_vm"                     | did you mean `my-vm`?                                               |
      | name            | "a;reboot"                  | vms[7] (8001).name: "a;reboot" is not a DNS name                    |
      | template_image  | "noble.img"                 | vms[8] (8001).template_image: "noble.img" is not the full path      |
      | network_bridge  | "--force"                   | vms[9] (8001).network_bridge: "--force" is not the name of a bridge |
      | network_config  | {"ip": "10.0.0.5"}          | vms[10] (8001).network_config.ip: "10.0.0.5" is not "dhcp"          |
      | admin           | {"password_hash": "secret"} | vms[11] (8001).admin.password_hash: its value is not a password hash |
    When I run "phoenix create 8001"
    Then it fails with status 3 and says each problem
    And no command ran on the node

  Scenario: Required properties that are missing
    Given VMs like 8001, each without one property
      | key            | problem                                                  |
      | vmid           | vms[0].vmid: is required and missing                     |
      | name           | vms[1] (8001).name: is required and missing              |
      | cores          | vms[2] (8001).cores: is required and missing             |
      | memory_mb      | vms[3] (8001).memory_mb: is required and missing         |
      | disk_size_gb   | vms[4] (8001).disk_size_gb: is required and missing      |
      | storage_pool   | vms[5] (8001).storage_pool: is required and missing      |
      | template_image | vms[6] (8001).template_image: is required and missing    |
      | network_bridge | vms[7] (8001).network_bridge: is required and missing    |
    When I run "phoenix create 8001"
    Then it fails with status 3 and says each problem
    And no command ran on the node

  Scenario Outline: Values that do not go together
    Given VM 8001 has "<key>" set to <value>
    When I run "phoenix create 8001"
    Then it fails with status 3 and says "<problem>"
    And no command ran on the node

    Examples:
      | key            | value                                       | problem                                      |
      | network_config | {"ip": "dhcp", "gw": "10.0.0.1"}            | network_config.gw: a gateway needs a static ip |
      | network_config | {"ip": null, "gw": "10.0.0.1"}              | network_config.gw: a gateway needs a static ip |
      | network_config | {"ip": "10.0.0.5/24", "gw": "10.0.1.1"}     | gw: 10.0.1.1 is outside of 10.0.0.0/24       |
      | network_config | {"ip": "10.0.0.0/24"}                       | ip: 10.0.0.0/24 is the network's own address |
      | admin          | {"ssh_authorized_keys_file": "nowhere.pub"} | nowhere.pub: no such file                    |

  Scenario: Every problem is told at once
    Given VM 8001 has "cores" set to 0
    And VM 8001 has "memory_mb" set to 1
    When I run "phoenix validate"
    Then it fails with status 3 and says "phoenix_hypervisor_config.json:1:"
    And it says "cores: must be at least 1"
    And it says "memory_mb: must be at least 16"
    And it says "hint: mend that, then run the same command again"

  Scenario Outline: A file that is no JSON
    Given the configuration file is <content>
    When I run "phoenix create 8001"
    Then it fails with status 3 and says "<problem>"
    And no command ran on the node

    Examples:
      | content              | problem                                                  |
      | {"vms": [            | phoenix_hypervisor_config.json:1:10: not valid JSON      |
      | {"vms": [], "vms": []} | the key "vms" stands twice in one object               |
      | {"vms": NaN}         | NaN is not a JSON number                                 |
      | []                   | the document: must be an object, is an array             |
      | {}                   | vms: is required and missing                             |

  Scenario: The configuration file is missing
    Given the configuration file is missing
    When I run "phoenix create 8001"
    Then it fails with status 3 and says "phoenix_hypervisor_config.json: no such file"

  Scenario: A configuration that is good
    When I run "phoenix validate"
    Then it succeeds and says "valid; 1 VM"
    And no command ran on the node
