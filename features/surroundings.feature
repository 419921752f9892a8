Feature: Whatever phoenix is started from, and whatever stands in the way, it is told before anything is made
  Locales, cron's environment, folders that cannot be used, storages that are not mounted, templates of strangers.

  Background:
    Given a node with the Ubuntu cloud image
    And a configuration with VM 8001 named "ubuntu-2404"

  @fake-node
  Scenario: Letters that a POSIX locale lacks reach the node
    Given phoenix is started with "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0"
    And VM 8001 has "description" set to "Größe — ok"
    When I run "phoenix create 8001"
    Then it succeeds
    When I run "phoenix create 8001"
    Then it succeeds and says "8001 ubuntu-2404: no changes"

  @fake-node
  Scenario Outline: A folder for host keys that cannot be used
    Given phoenix is started with "XDG_STATE_HOME=/dev/null"
    When I run "phoenix <command>"
    Then it fails with status 8 and says "/dev/null/phoenix/known_hosts"
    And it says "let $XDG_STATE_HOME name a folder of yours"
    And no command ran on the node
    When I run "phoenix plan 8001"
    Then it succeeds

    Examples:
      | command           |
      | create 8001       |
      | ssh 8001          |

  @fake-node
  Scenario: What is no file is no image
    Given in the place of the cloud image is a pipe
    When I run "phoenix create 8001"
    Then it fails with status 5 and says "noble-server-cloudimg-amd64.img is no regular file"
    And no changing command ran on the node

  @fake-node
  Scenario: A storage that should be mounted and is not
    Given someone ran "pvesm set local --is_mountpoint yes"
    When I run "phoenix create 8001"
    Then it fails with status 5 and says "storage_pool: nothing is mounted at /var/lib/vz, where the storage `local` is"
    And it says "mount it: mount /var/lib/vz"
    And no changing command ran on the node
    And the node has no snippets

  @fake-node
  Scenario Outline: A template of somebody else makes text and nothing else
    Given the template of the user-data says "<text>"
    When I run "phoenix plan 8001"
    Then it fails with status 3 and says "user-data.yaml.j2:2: "
    And it says "<problem>"

    Examples:
      | text                                                   | problem                                |
      | {{ cycler.__init__.__globals__.os.popen('id').read() }} | access to attribute '__init__'        |
      | {{ 1/0 }}                                               | ZeroDivisionError: division by zero   |

  @fake-node
  Scenario: A template whose text cloud-init would ignore is told of
    Given the whole template of the user-data is "hostname: web"
    When I run "phoenix plan 8001"
    Then it succeeds
    And it says "! cloud-init will ignore the user-data of 8001"
    And it says "its first line is not `#cloud-config`"

  @faults
  Scenario: The reason that a tool prints on standard output
    Given "qm start 8001" prints "kvm: -netdev type=tap: network script failed with status 512" and fails with "start failed: QEMU exited with code 1"
    When I run "phoenix create 8001"
    Then it fails with status 6 and says "(exit status 255): kvm: -netdev type=tap: network script failed with status 512; start failed"

  @faults
  Scenario: A storage of the cluster that is busy for a moment
    Given "qm create *" fails once with "unable to create VM 8001 - cfs-lock 'storage-nas' error: got lock request timeout"
    When I run "phoenix create 8001"
    Then it succeeds and says "8001 ubuntu-2404: created"
