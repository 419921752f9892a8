"""What the tools say when they fail, whichever stream it comes on, and whatever stands around it."""

from __future__ import annotations

import itertools

import pytest

from conformance import recordings
from phoenix_pve.complaints import LONGEST, advice, lock_is_busy, reason
from phoenix_pve.node import Completed

PERL = """perl: warning: Setting locale failed.
perl: warning: Please check that your locale settings:
\tLANGUAGE = (unset),
\tLC_ALL = (unset),
\tLC_CTYPE = "UTF-8",
\tLANG = "en_US.UTF-8"
    are supported and installed on your system.
perl: warning: Falling back to the standard locale ("C").
"""
WARNINGS = {
    "none": "",
    "Perl": PERL,
    "Perl, to another": PERL.replace("the standard locale", "a fallback locale").replace(
        "(unset)", '"got timeout lock"'
    ),
    "shell": "/bin/sh: warning: setlocale: LC_ALL: cannot change locale (de_DE): No such file or directory\n",
    "bash": "bash: line 1: warning: setlocale: LC_CTYPE: cannot change locale (UTF-8)\n",
    "locale": "locale: Cannot set LC_ALL to default locale: No such file or directory\n",
}
NOISES = {
    "none": "",
    "set": "update VM 8001: -cores 4\n",
    "create": "Formatting '/x.raw', fmt=raw size=1\nscsi0: successfully created disk 'local:8001/x.raw,size=1G'\n",
    "import": "importing disk '/x' to VM 8001 ...\rtransferred 0.0 B of 3.5 GiB (0.00%)\rtransferred 1.0 GiB of 3.5 GiB (28.57%)\n",
    "container": "Creating filesystem with 262144 4k blocks and 65536 inodes\nFilesystem UUID: x\n"
    "Superblock backups stored on blocks: \n\t32768, 98304\nextracting archive '/a.tar.zst'\n",
    "locks": "trying to acquire lock...\n OK\ntrying to acquire cfs lock 'storage-nas' ...\n",
    "task": "Task finished with 1 warning(s)!\n",
}
KVM = "kvm: -netdev type=tap,id=net0: network script /usr/libexec/qemu-server/pve-bridge failed with status 512"
LOCKED = "can't lock file '/var/lock/qemu-server/lock-8001.conf' - got timeout"
CFS = "cfs-lock 'storage-nas' error: got lock request timeout"
CFS_OLD = "error during cfs-locked 'storage-nas' operation: got lock request timeout"
REASONS = {
    "VM is locked (backup)": ("", "VM is locked (backup)\n", "qm unlock <ID>"),
    KVM: (KVM + "\n", "start failed: QEMU exited with code 1\n", "mend the cause"),
    LOCKED: ("", LOCKED + "\n", "another process works on this guest"),
    LOCKED + " ": (LOCKED + "\n", "", "another process works on this guest"),
    CFS: ("", f"unable to create VM 8001 - {CFS}\n", "works on that storage"),
    CFS_OLD: (CFS_OLD + "\n", "clone failed: exit code 2\n", "works on that storage"),
    "cfs-lock 'storage-nas' error: no quorum!": ("", "cfs-lock 'storage-nas' error: no quorum!\n", "pvecm status"),
    "cluster not ready - no quorum?": ("", "cluster not ready - no quorum?\n", "pvecm status"),
    "net0: hotplug problem": ("", "400 Parameter verification failed.\nnet0: hotplug problem\n\nqm set <vmid> [OPTIONS]\n", "mend"),
    "No space left on device": ("", "lvcreate: No space left on device\n", "make room"),
    "checksum mismatch": ("", "checksum mismatch (file change by other user?)\n", "someone changed the guest"),
    "it said nothing": ("", "", "mend the cause"),
}  # fmt: skip


def failed(stdout: str, stderr: str) -> Completed:
    return Completed(("qm", "set", "8001"), 255, stdout, stderr)


@pytest.mark.parametrize("why", REASONS)
def test_nothing_around_a_reason_hides_it_or_changes_the_advice(why: str) -> None:
    stdout, stderr, hint = REASONS[why]
    for (warning, noise), before in itertools.product(itertools.product(WARNINGS.values(), NOISES.values()), (0, 1)):
        done = failed(warning * before + noise + stdout, warning + stderr + warning * before + noise * before)
        said = reason(done)
        assert said.partition("; ")[0].endswith(why.strip()) or why.strip() in said.partition("; ")[0], said
        assert hint in advice(done), (warning, noise)
        assert lock_is_busy(done) is (why.strip() in {LOCKED, CFS, CFS_OLD})
        assert not any(word in said for word in ("perl", "setlocale", "LANG", "OPTIONS", "transferred", "acquire"))


def test_what_both_say_is_shown_once_the_telling_lines_first() -> None:
    assert reason(failed(f"generating cloud-init ISO\n{KVM}\n", "start failed: QEMU exited with code 1\n")) == (
        f"{KVM}; start failed: QEMU exited with code 1"
    )
    assert reason(failed("can't find file '/x'\n", "unable to create CT 101 - can't find file '/x'\n")).startswith(
        "unable"
    )
    assert reason(failed("no PCI device found\n", "no PCI device found\n")) == "no PCI device found"
    assert reason(failed("WARN: netdev net0: ignoring MTU\n", "MTU is bigger\n")) == (
        "MTU is bigger; WARN: netdev net0: ignoring MTU"
    )
    assert reason(failed("something of no kind\n", "start failed: QEMU exited with code 1\n")).startswith("something")


def test_a_lock_that_is_told_in_passing_is_not_what_failed() -> None:
    done = failed(
        f"WARN: Could not remove disk 'x', check manually: {CFS}\n", "unable to open file - Permission denied\n"
    )
    assert not lock_is_busy(done)


def test_endless_words_are_bounded() -> None:
    done = failed("error: x\n" * 100_000, "".join(f"error {n} {'y' * 1000}\n" for n in range(1000)))
    assert len(reason(done)) <= LONGEST + 10
    assert reason(done).startswith("error 0 yyy")


def test_of_every_recorded_failure_the_last_word_of_the_tool_is_shown() -> None:
    steps = [s for tool in recordings.TOOLS for scenario in recordings.scenarios(tool) for s in scenario["steps"]]
    failures = [step for step in steps if step.get("exit") and (step["stdout"] + step["stderr"]).strip()]
    assert len(failures) > 200
    for step in failures:
        said = reason(Completed(tuple(step["argv"]), step["exit"], step["stdout"], step["stderr"]))
        lines = [line.strip() for line in step["stderr"].splitlines() if line.strip() and "OPTIONS]" not in line]
        told = [line for line in lines if not line.startswith(("400 Parameter", "Task finished"))]
        assert told, step
        assert told[0][:60] in said or told[-1][:60] in said, (step["argv"], said)
