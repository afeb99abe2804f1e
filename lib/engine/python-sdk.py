"""Drives the engine with a published Python SDK, whose package is the argument: `e2b` or `moru`.

Prints the name of each step that holds. Fails at the first that does not.
"""

import importlib
import sys

PACKAGE = sys.argv[1]
sdk = importlib.import_module(PACKAGE)
Sandbox = sdk.Sandbox


def holds(name, condition):
    assert condition, name
    print(name, flush=True)


def list_all(**options):
    pages = Sandbox.list(**options)
    found = []
    while pages.has_next:
        found.extend(pages.next_items())
    return found


sandbox = Sandbox.create(metadata={"team": "data"}, envs={"GREETING": "hello"}, timeout=120)
other = Sandbox.create("python", metadata={"team": "web"})
holds("create", sandbox.is_running() and sandbox.get_info().metadata == {"team": "data"})

ids = [info.sandbox_id for info in list_all(query=sdk.SandboxQuery(metadata={"team": "data"}))]
holds("list by metadata", ids == [sandbox.sandbox_id])
holds("list in pages", len(list_all(limit=1)) == 2)

result = sandbox.commands.run("echo $GREETING; echo err >&2")
holds("run a command", (result.stdout, result.stderr, result.exit_code) == ("hello\n", "err\n", 0))
try:
    sandbox.commands.run("exit 3")
    raise AssertionError("the exit code was ignored")
except sdk.CommandExitException as error:
    holds("fail with an exit code", error.exit_code == 3)
sleeper = sandbox.commands.run("sleep 300", background=True)
holds("kill a command", sandbox.commands.kill(sleeper.pid) and sandbox.commands.list() == [])
# The server alone enforces this limit.
try:
    sandbox.commands.run("sleep 300", timeout=0.2)
    raise AssertionError("the timeout was ignored")
except sdk.TimeoutException:
    print("time out", flush=True)

sandbox.files.write("a.txt", "first")
holds("write and read a file", sandbox.files.read("a.txt") == "first")
holds("list files", "a.txt" in [entry.name for entry in sandbox.files.list(".")])
sandbox.files.rename("a.txt", "b.txt")
sandbox.files.remove("b.txt")
holds("remove a file", not sandbox.files.exists("b.txt"))

terminal = sandbox.pty.create(sdk.PtySize(rows=30, cols=100), timeout=20)
output = bytearray()
# The kernel may drop what is written right before the end of a terminal's session.
sandbox.pty.send_stdin(terminal.pid, b"stty size; sleep 0.3; exit\n")
terminal.wait(on_pty=output.extend)
holds("use a terminal", b"30 100" in output)

sandbox.files.write("kept", "yes")
pause = getattr(sandbox, "pause" if PACKAGE == "e2b" else "beta_pause")
pause()
paused = list_all(query=sdk.SandboxQuery(state=[sdk.SandboxState.PAUSED]))
holds("pause", [info.sandbox_id for info in paused] == [sandbox.sandbox_id] and not sandbox.is_running())
again = Sandbox.connect(sandbox.sandbox_id)
holds("connect", again.is_running() and again.files.read("kept") == "yes")
holds("metrics", again.get_metrics()[0].cpu_count == 2)

if PACKAGE == "e2b":
    snapshot = again.create_snapshot(name="from-python")
    copy = Sandbox.create(snapshot.snapshot_id)
    holds("start from a snapshot", copy.files.read("kept") == "yes")
    holds("list snapshots", [s.snapshot_id for s in again.list_snapshots().next_items()] == [snapshot.snapshot_id])
    holds("delete a snapshot", Sandbox.delete_snapshot(snapshot.snapshot_id))
    (fork,) = again.fork()
    holds("fork", fork.files.read("kept") == "yes")
    holds("kill the copies", copy.kill() and fork.kill())

holds("kill", again.kill() and other.kill() and not Sandbox.kill(sandbox.sandbox_id))
holds("nothing left", list_all() == [])
