"""Which SFTP servers are believed: those whose keys stand in the known hosts of OpenSSH."""

from __future__ import annotations

from pathlib import Path

import paramiko

FILES = (Path("~/.ssh/known_hosts"), Path("/etc/ssh/ssh_known_hosts"))


class KnownHosts(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]  # paramiko has no types
    """Refuse a server whose key is not listed; fsspec itself would believe any that answers."""

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        """Look the key up.

        Raises
        ------
        paramiko.SSHException
            If it is not listed, or another one is.
        """
        known = paramiko.HostKeys()
        for path in FILES:
            if (file := path.expanduser()).is_file():
                known.load(str(file))
        if not known.check(hostname, key):
            raise paramiko.SSHException(
                f"the key of {hostname} ({key.get_name()} {key.fingerprint}) does not stand in ~/.ssh/known_hosts; "
                "compare it with the server's, then add it with ssh-keyscan"
            )
