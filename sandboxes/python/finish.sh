#!/bin/sh
# Runs as root inside the new base, whether it comes from a registry or from Debian's packages:
# puts the Python packages where the interpreter looks, and removes what a sandbox must not have.
set -eu

python=$(command -v python3)
ln -sfn "$python" /opt/evalkit/python
[ -e /usr/local/bin/python ] || ln -s "$python" /usr/local/bin/python

site=$("$python" -I -c 'import site; print(site.getsitepackages()[0])')
mkdir -p "$site"
rm -rf "${site:?}"/*
mv /opt/evalkit/packages/* "$site"/
rm -rf /opt/evalkit/packages "$site"/bin "$site"/share
find "$site" -type d -name tests -prune -exec rm -rf {} +

# No package manager, no documentation, no translations, and no Perl.
rm -rf /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale /usr/share/lintian \
    /usr/share/bash-completion /usr/share/perl5 /usr/share/perl /usr/bin/perl* \
    /usr/lib/*-linux-gnu/perl* /usr/lib/apt /usr/lib/dpkg /etc/apt /etc/dpkg /etc/cron* \
    /usr/bin/apt* /usr/bin/dpkg* /usr/bin/pip* /usr/local/bin/pip* /usr/local/bin/wheel \
    /var/lib/apt /var/lib/dpkg /var/cache/* /var/log/* /var/backups /boot /srv /media /mnt
find / -xdev -type d -name idlelib -prune -exec rm -rf {} +
find / -xdev -type d -name ensurepip -prune -exec rm -rf {} +

# One account: programs run under numbers that no file belongs to.
echo 'root:x:0:0:root:/root:/usr/sbin/nologin' >/etc/passwd
echo 'root:x:0:' >/etc/group
rm -f /etc/passwd- /etc/group- /etc/shadow* /etc/gshadow* /etc/subuid* /etc/subgid* /etc/machine-id
find / -xdev ! -path '/proc/*' ! -user 0 -exec chown -h 0 {} +
find / -xdev ! -path '/proc/*' ! -group 0 -exec chgrp -h 0 {} +
find / -xdev ! -path '/proc/*' ! -type l -perm /7000 -exec chmod u-s,g-s,-t {} +
find / -xdev ! -path '/proc/*' ! -type l -perm /0002 -exec chmod o-w {} +
rm -rf /tmp /run/*
mkdir /tmp
chmod 1777 /tmp

# The files' times may change on the way into the image: the byte code must not depend on them.
find / -xdev -type d -name __pycache__ -prune -exec rm -rf {} +
stdlib=$("$python" -I -c 'import os; print(os.path.dirname(os.__file__))')
mkdir -p /dev/shm
"$python" -I -m compileall -q -j 0 --invalidation-mode unchecked-hash -x 'lib2to3/tests|/test/' \
    "$stdlib" "$site"
"$python" -I -c 'import numpy, scipy, sortedcontainers, sympy'
rm -f /opt/evalkit/finish.sh
chmod 755 / /opt /opt/evalkit
