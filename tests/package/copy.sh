# Makes a copy of the running system that forgets everything with the last process in it, and waits there until its input
# ends. $1 is an empty folder to build it on, $2 the folder that is seen in it as /tmp/given.
set -e
read -r pid _ </proc/self/stat
mount -t tmpfs -o mode=755 copy "$1"
mkdir "$1/changed" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/changed,workdir=$1/work" overlay "$1/root"
cd "$1/root"
mount -t proc proc proc
mount --rbind /dev dev
mount --rbind /sys sys
mount -t tmpfs tmp tmp
mount -t tmpfs run run
chmod 1777 tmp
mkdir tmp/given tmp/changed tmp/before
mount --bind -o ro "$2" tmp/given
# What differs from the system, to look at.
mount --bind -o ro "$1/changed" tmp/changed
pivot_root . tmp/before
cd /
umount -l /tmp/before
rmdir /tmp/before
echo "$pid"
exec cat >/dev/null
