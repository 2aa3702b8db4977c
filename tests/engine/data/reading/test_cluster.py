"""A Dask cluster reads what one machine reads, and loses nothing with its workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.data.prepare import Settings, prepare
from engine.data.reading.cluster import read_by_scheduler
from engine.errors import SidemanError
from tests.engine.data.test_prepare import files_of
from tests.support.study_corpus import write_corpus

ROOT = Path(__file__).parents[4]

# A process of its own: the cluster's threads and warnings are none of the test run's business.
CLUSTER = """
import json, os, signal, sys, threading, time
from pathlib import Path
import dask
dask.config.set({"distributed.worker.daemon": True, "distributed.scheduler.allowed-failures": 5})
from distributed import LocalCluster
from engine.data.prepare import Settings, prepare
if __name__ == "__main__":
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
                      silence_logs=50) as cluster:
        pids = [worker.pid for worker in cluster.workers.values()]
        killed = []
        def progress(done, total):
            if done > 8 and not killed:
                killed.append(pids[0])
                os.kill(pids[0], signal.SIGKILL)
        report = prepare(source, out, Settings(scheduler=cluster.scheduler_address), progress)
        print(json.dumps({"refused": report.refused, "killed": len(killed), "pieces": sum(report.pieces.values())}))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_two_workers_one_of_them_killed_write_the_bytes_of_one_machine(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    folder = write_corpus(tmp_path / "midi", files=60)
    (folder / "broken.mid").write_bytes(b"nothing")
    prepare(folder, tmp_path / "here", Settings(workers=2))
    (tmp_path / "cluster.py").write_text(CLUSTER)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "cluster.py"), str(folder), str(tmp_path / "there")],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["killed"] == 1
    assert [name for name, _ in said["refused"]] == ["broken.mid"]
    assert files_of(tmp_path / "there") == files_of(tmp_path / "here")


def test_without_dask_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SidemanError, match=r"--scheduler needs dask.distributed: pip install 'sideman\[scale\]'"):
        next(read_by_scheduler([], "tcp://127.0.0.1:1"))
