"""NATS servers of the benches' own: each on a port of its choice, its files in a folder of ours."""

import contextlib
import re
import subprocess


class Server:
    """A nats-server with JetStream's file store. always: it syncs before each answer; else as it comes."""

    def __init__(self, program, missing, folder, always):
        self.process, self.url, self.missing, self.version = None, None, missing, None
        if missing is None:
            folder.mkdir()
            self._start(program, folder, always)

    def _start(self, program, folder, always):
        path, log = folder / "nats.conf", folder / "nats.log"
        path.write_text(f'listen: "127.0.0.1:-1"\nports_file_dir: "{folder}"\n'
                        f'jetstream {{ store_dir: "{folder}/js"\n max_memory_store: 0\n'
                        f'{"sync_interval: always" if always else ""}\n}}\n', encoding="ascii")
        self.version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        with open(log, "wb") as out:
            self.process = subprocess.Popen([program, "-c", str(path)], stdout=out, stderr=subprocess.STDOUT)
        for _ in range(200):
            ports = list(folder.glob("*.ports"))
            urls = re.findall(r"nats://[0-9.:]+", ports[0].read_text(encoding="ascii")) if ports else []
            if urls:
                self.url = urls[0]
                return
            if self.process.poll() is not None:
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=0.1)
        self.close()
        self.missing = f"nats-server does not start: {log.read_text(errors='replace')[-300:]}"

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
