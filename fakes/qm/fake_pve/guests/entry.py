"""What runs in processes of its own: `entry.py mapped PROGRAM…`, `entry.py launch FOLDER` and `entry.py probe FOLDER`.

Started by path with `-I -S`, so that neither the caller's environment nor its site packages reach into a guest.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def main(argv: list[str]) -> int:
    """Run one of the three; the exit status."""
    from fake_pve.guests import GuestFailed  # after the path is set

    try:
        if argv[0] == "mapped":
            from fake_pve.guests import userns

            return userns.run_here(argv[1:])
        if argv[0] == "probe":
            from fake_pve.guests import probe

            return probe.try_all(argv[1])
        from fake_pve.guests import launcher

        return launcher.main(argv[1:])
    except GuestFailed as error:
        sys.stderr.write(f"{error.message}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
