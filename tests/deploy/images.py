"""Images for a containerd that reaches no registry: the programs and a traced one with their libraries, and a pause.

    images.py PROGRAMS FOLDER       writes FOLDER/spanmill.tar and FOLDER/pause.tar"""
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile

TRACED = "examples/traced"


def put(archive, name, data=None, mode=0o755):
    info = tarfile.TarInfo(name)
    info.mode = mode
    if data is None:
        info.type = tarfile.DIRTYPE
        archive.addfile(info)
    else:
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))


def layer(files):
    """`files`: path in the image -> local file."""
    out, folders = io.BytesIO(), {"tmp", "proc", "sys", "dev", "etc"}
    for path in files:
        parts = path.split("/")[:-1]
        folders.update("/".join(parts[:i + 1]) for i in range(len(parts)))
    with tarfile.open(fileobj=out, mode="w") as archive:
        for folder in sorted(folders):
            put(archive, folder, mode=0o1777 if folder == "tmp" else 0o755)
        for path, source in files.items():
            with open(source, "rb") as file:
                put(archive, path, file.read())
    return out.getvalue()


def write(to, name, files, config):
    data = layer(files)
    digest = hashlib.sha256(data).hexdigest()
    about = json.dumps({"architecture": "amd64", "os": "linux", "config": config,
                        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}}).encode()
    about_name = f"{hashlib.sha256(about).hexdigest()}.json"
    manifest = [{"Config": about_name, "RepoTags": [name], "Layers": [f"{digest}/layer.tar"]}]
    with tarfile.open(to, "w") as archive:
        put(archive, about_name, about)
        put(archive, f"{digest}/layer.tar", data)
        put(archive, "manifest.json", json.dumps(manifest).encode())


def libraries(program):
    for line in subprocess.check_output(["ldd", program], text=True).splitlines():
        words = line.split()
        path = words[2] if "=>" in line else words[0]
        if path.startswith("/"):
            yield path


def tracepoint_libraries():
    for line in subprocess.check_output(["/sbin/ldconfig", "-p"], text=True).splitlines():
        if "liblttng-ust-tracepoint.so." in line:
            yield line.split(" => ")[1]


def main(programs, folder):
    files = {}
    for name in "spanmill", "spanmill-agent", "spanmill-mapper", "spanmill-reducer", "spanmill-export":
        path = os.path.join(programs, name)
        files[f"usr/bin/{name}"] = path
        files.update((library.lstrip("/"), os.path.realpath(library)) for library in libraries(path))
    shop = f"{folder}/traced-shop"  # examples/traced, and what liblttng-ust opens itself
    subprocess.run(["gcc", "-O2", "-pthread", f"-I{TRACED}", f"{TRACED}/shop.c", f"{TRACED}/shop_tp.c", "-o", shop,
                    "-llttng-ust", "-ldl"], check=True)
    files["usr/bin/shop"] = shop
    for each in *libraries(shop), *tracepoint_libraries():
        files[each.lstrip("/")] = os.path.realpath(each)
    write(f"{folder}/spanmill.tar", "localhost/spanmill:0.1.0", files, {"Env": ["PATH=/usr/bin"], "User": "64000"})
    subprocess.run(["gcc", "-static", "-x", "c", "-o", f"{folder}/pause", "-"], check=True, text=True,
                   input="#include <unistd.h>\nint main(void) { for (;;) pause(); }\n")
    write(f"{folder}/pause.tar", "localhost/pause:1", {"pause": f"{folder}/pause"}, {"Entrypoint": ["/pause"]})


if __name__ == "__main__":
    main(*sys.argv[1:])
