"""A machine of its own, under a systemd of its own: for a test that is root."""

import subprocess

# It has this machine's files, and keeps in memory what is written over them; it starts nothing but the script, and has no
# network but lo. A hierarchy of cgroups lives as long as there is a group in it: they go with the machine.
OUTSIDE = """
set -e
mount -t tmpfs none /mnt && cd /mnt && mkdir upper work root cgroup
mount -t cgroup -o none,name=systemd cgroup cgroup
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root
status=0
unshare --pid --net --cgroup --fork --kill-child sh -ec "$INSIDE" sh "$1" || status=$?
find cgroup -mindepth 1 -depth -type d -exec rmdir {} +
exit $status
"""

# `container` tells systemd that it is not to care for devices. PrivateDevices= fails where one of these is not below /dev.
INSIDE = """
ip link set lo up
cd root
rm -rf etc/fstab etc/systemd/system/* usr/lib/systemd/system/*.wants
mount -t proc proc proc && mount -t tmpfs none run && mount -t tmpfs none dev
mkdir dev/pts dev/shm && ln -s pts/ptmx dev/ptmx
for node in null zero full random urandom; do touch dev/$node && mount --bind /dev/$node dev/$node; done
mount -t sysfs -o ro sysfs sys && mount -t tmpfs none sys/fs/cgroup && mkdir sys/fs/cgroup/systemd
mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
mount --bind "$1" mnt && cp mnt/script.service etc/systemd/system
pivot_root . mnt/old && umount -l mnt/old
container=test exec /lib/systemd/systemd --unit=script.service --log-target=journal
"""

SERVICE = """
[Unit]
Wants=systemd-journald.service
After=systemd-journald.service
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
TimeoutStartSec=120
ExecStart=/bin/bash -ex /mnt/script
ExecStopPost=/bin/sh -c 'journalctl >/mnt/journal'
StandardOutput=file:/mnt/out
StandardError=file:/mnt/err
"""


def boot(script, folder):
    """Its exit status, what the script, for bash -ex, printed, and all else that was said meanwhile."""
    (folder / "old").mkdir()
    (folder / "script").write_text(script)
    (folder / "script.service").write_text(SERVICE)
    r = subprocess.run(["unshare", "--mount", "sh", "-c", OUTSIDE, "sh", str(folder)], capture_output=True, text=True, timeout=150,
                       env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "INSIDE": INSIDE})
    out, *more = (file.read_text() if file.exists() else "" for file in (folder / name for name in ("out", "err", "journal")))
    return r.returncode, out, "".join([r.stdout, r.stderr, *more])
