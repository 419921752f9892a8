@guests @slow
Feature: A virtual machine's whole life
  The image that is imported boots by the BIOS from the disk that the VM was given, with a kernel and a systemd of its
  own. Where a processor has to be emulated that takes minutes, so it is left to continuous integration.

  Scenario: It is made from a cloud image, entered, stopped, started and deleted
    Given a node whose guests are virtual machines
    And VM 8001 has "disk_size_gb" set to 8
    When I run "phoenix create 8001 --verify --timeout 600"
    Then it succeeds and says "  logged in as admin: hostname ubuntu-2404, kernel "
    And it says "cloud-init done"
    And I can SSH into 8001 with its key
    And I can SSH into 8001 with its password
    And I cannot SSH into 8001 with another key
    And I cannot SSH into 8001 with the password "wrong"
    And 8001 is what the configuration says
    And the root file system of 8001 fills its disk of 8 GiB
    When I run "phoenix stop 8001"
    Then it succeeds and says "8001 ubuntu-2404: stopped"
    When I run "phoenix start 8001 --wait=cloud-init --timeout 600"
    Then it succeeds and says "8001 ubuntu-2404: started"
    And 8001 is what the configuration says
    And the root file system of 8001 fills its disk of 8 GiB
    When I run "phoenix delete 8001 --yes"
    Then it succeeds and says "8001 ubuntu-2404: deleted"
    And no process, port, mount or file of 8001 is left
