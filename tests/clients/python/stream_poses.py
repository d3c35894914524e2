#!/usr/bin/env python3
"""Poses of an object in a stream of frames, as a robot sends them.

usage: stream_poses.py ADDRESS OBJECT FX FY CX CY FRAME... [--rate 30] [--mesh FILE] [--mesh-unit 1] [--all]

ADDRESS is the gateway's gRPC address, such as localhost:8081; OBJECT the id of a registered object, or of one to register
from --mesh; FRAMES are pictures in order, sent at --rate a second. The server takes the newest frame whenever it is free and
says of every other one that it was dropped, so a slow server makes poses rarer and never late; --all waits for each frame.
CORRMESH_API_KEY holds an API key where the mesh wants one. Needs grpcio and grpcio-tools (Debian: python3-grpcio
python3-grpc-tools). The exit code is 0 when every frame was answered, by a pose or by the reason why it has none.
"""

import argparse
import importlib
import os
import pathlib
import sys
import tempfile
import time

import grpc
from grpc_tools import protoc

ROOT = pathlib.Path(__file__).resolve().parents[3]
EVENTS = {0: "", 1: "found", 2: "lost", 3: "found again"}
DROPS = {1: "a newer frame came", 2: "skipped", 3: "too late", 4: "refused", 5: "the server is full", 6: "answered before"}


def generate_stubs(folder):
    """Generates the Python client from protos/ into a folder and makes it importable."""
    protos = ROOT / "protos"
    files = sorted(str(path) for package in ("common", "features", "pose") for path in protos.glob(f"corrmesh/{package}/**/*.proto"))
    include = pathlib.Path(sys.modules["grpc_tools"].__file__).parent / "_proto"
    if protoc.main(["protoc", f"-I{protos}", f"-I{include}", f"--python_out={folder}", f"--grpc_python_out={folder}", *files]) != 0:
        raise SystemExit("the stubs could not be generated")
    sys.path.insert(0, folder)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("address")
    parser.add_argument("object")
    for name in ("fx", "fy", "cx", "cy"):
        parser.add_argument(name, type=float)
    parser.add_argument("frames", nargs="+")
    parser.add_argument("--rate", type=float, default=30)
    parser.add_argument("--mesh")
    parser.add_argument("--mesh-unit", type=float, default=1)
    parser.add_argument("--all", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        generate_stubs(folder)
        camera, frame, image = (importlib.import_module(f"corrmesh.common.v1.{name}_pb2") for name in ("camera", "frame", "image"))
        objects, pose, calls = (importlib.import_module(f"corrmesh.pose.v1.{name}") for name in ("object_pb2", "pose_pb2", "pose_pb2_grpc"))

    key = os.environ.get("CORRMESH_API_KEY")
    metadata = [("authorization", f"Bearer {key}")] if key else []
    size = 64 << 20
    channel = grpc.insecure_channel(asked.address, [("grpc.max_send_message_length", size), ("grpc.max_receive_message_length", size)])
    service = calls.PoseServiceStub(channel)
    if asked.mesh:
        content = pathlib.Path(asked.mesh).read_bytes()
        parts = [objects.CreateObjectRequest(config=objects.ObjectConfig(id=asked.object, request_id=f"stream_poses {asked.object}", mesh_unit_m=asked.mesh_unit))]
        parts += [objects.CreateObjectRequest(mesh=objects.MeshPart(content=content[at : at + (1 << 20)])) for at in range(0, len(content), 1 << 20)]
        made = service.CreateObject(iter(parts), metadata=metadata).object
        print(f"{made.id}: {made.diameter_m:.3f} m across, {made.kept} descriptors")

    sent = {}

    def requests():
        policy = frame.StreamPolicy(mode=frame.StreamPolicy.MODE_ALL if asked.all else frame.StreamPolicy.MODE_NEWEST_ONLY)
        lens = camera.Camera(fx=asked.fx, fy=asked.fy, cx=asked.cx, cy=asked.cy)
        yield pose.StreamPosesRequest(config=pose.StreamPosesConfig(objects=[asked.object], camera=lens, policy=policy))
        start = time.monotonic()
        for number, path in enumerate(asked.frames, 1):
            content = pathlib.Path(path).read_bytes()
            time.sleep(max(0, start + number / asked.rate - time.monotonic()))
            sent[number] = time.monotonic()
            yield pose.StreamPosesRequest(frame=frame.Frame(sequence=number, stamp_ns=time.time_ns(), image=image.Image(encoded=content)))

    answered = dropped = 0
    slowest = 0.0
    for response in service.StreamPoses(requests(), metadata=metadata):
        if response.WhichOneof("outcome") == "drop":
            dropped += 1
            print(f"{response.drop.sequence}: dropped, {DROPS.get(response.drop.reason, response.drop.reason)} {response.drop.detail}".rstrip())
            continue
        answered += 1
        tracked = response.poses.poses[0]
        late = time.monotonic() - sent[response.poses.sequence]
        slowest = max(slowest, late)
        where = "no pose"
        if tracked.pose.HasField("best"):
            at = tracked.pose.best.object_to_camera.translation
            where = f"at {at.x:+.3f} {at.y:+.3f} {at.z:+.3f} m, {tracked.pose.confidence:.0%}"
        print(f"{response.poses.sequence}: {where}, {1000 * late:.0f} ms after it was sent {EVENTS[tracked.event]}".rstrip())
    print(f"{len(asked.frames)} frames sent at {asked.rate:g} a second: {answered} answered, at most {1000 * slowest:.0f} ms late, {dropped} dropped")
    if answered + dropped != len(asked.frames):
        raise SystemExit("some frames were not answered")


if __name__ == "__main__":
    main()
