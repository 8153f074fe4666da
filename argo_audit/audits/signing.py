"""Signatures of reports, by `ssh-keygen -Y`: over the manifest, which has a digest of every file.

    sign(Path("runs/audit"), Path("~/.ssh/id_ed25519"))         # runs/audit/manifest.json.sig
    unsigned(Path("runs/audit"), Path("auditor.pub"))           # [], or what is wrong

Whoever changes a file can compute its digest again; without the key they cannot sign it.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from argo_audit.audits.found_folder import Allowed
from argo_audit.audits.verification import verify
from argo_audit.errors import InputError, UnavailableError
from argo_audit.files import write_whole_bytes
from argo_audit.report.inventory import MANIFEST, SIGNATURE, read_manifest

_SPACE = "argo-audit"
"""What the signature is for: one of something else does not pass as one of a report."""

_KEY_REMEDY = "name a key that ssh-keygen -t ed25519 made: sign with its private, verify with .pub"


def sign(report: Path, key: Path, allow: Allowed = ()) -> Path:
    """Sign the report in a folder; returns the signature's file.

    Raises InputError when the report does not hold, has no manifest, or the key cannot sign, and
    UnavailableError without ssh-keygen.
    """
    read_manifest(report)
    if problems := verify(report / "audit.md", allow):
        remedy = "make the report again with argo-audit report, and sign that"
        raise InputError(report, f"does not hold: {problems[0]}", remedy)
    _check_key(key)
    content = (report / MANIFEST).read_bytes()
    done = _keygen(["sign", "-q", "-f", str(key), "-n", _SPACE], content)
    if done.returncode:
        raise InputError(key, f"cannot sign ({_said(done)})", _KEY_REMEDY)
    write_whole_bytes(report / SIGNATURE, done.stdout)
    return report / SIGNATURE


def unsigned(report: Path, key: Path) -> list[str]:
    """What is wrong with the signature of a report, for a public key; empty where nothing is.

    Raises InputError for a key that cannot be read, and UnavailableError without ssh-keygen.
    """
    _check_key(key)
    public = key.read_text(encoding="utf-8", errors="replace").strip()
    if "\n" in public or not public.startswith(("ssh-", "ecdsa-", "sk-")):
        raise InputError(key, "no public key of ssh-keygen", _KEY_REMEDY)
    signature = report / SIGNATURE
    if not signature.is_file():
        return [f"{signature}: missing, so the report is not signed"]
    with tempfile.TemporaryDirectory() as scratch:
        allowed = Path(scratch, "allowed")
        allowed.write_text(f"{_SPACE} {public}\n", encoding="utf-8")
        words = ["verify", "-q", "-f", str(allowed), "-I", _SPACE, "-n", _SPACE]
        done = _keygen([*words, "-s", str(signature)], (report / MANIFEST).read_bytes())
    if done.returncode:
        return [f"{signature}: not by this key over this manifest ({_said(done)})"]
    return []


def _check_key(key: Path) -> None:
    if not key.is_file():
        raise InputError(key, "there is no such key", _KEY_REMEDY)


def _keygen(words: list[str], told: bytes) -> "subprocess.CompletedProcess[bytes]":
    program = shutil.which("ssh-keygen")
    if program is None:
        raise UnavailableError(
            "signing and checking a signature need ssh-keygen, which is not here.\n"
            "  Remedy: install OpenSSH (openssh-client); `argo-audit verify` without --key needs "
            "nothing"
        )
    return subprocess.run([program, "-Y", *words], input=told, capture_output=True, check=False)


def _said(done: "subprocess.CompletedProcess[bytes]") -> str:
    said = (done.stderr or done.stdout).decode(errors="replace").split("\n")
    return next((line.strip() for line in said if line.strip()), f"exit code {done.returncode}")
