#!/usr/bin/env python3
"""First answers from a running mesh, over gRPC at the gateway's one address.

usage: first_answer.py ADDRESS [SOURCE TARGET]

ADDRESS is the gateway's gRPC address, such as localhost:8081; SOURCE and TARGET are two pictures (default: the project's
samples). CORRMESH_API_KEY holds an API key where the mesh wants one. Needs grpcio, grpcio-tools and numpy (Debian:
python3-grpcio python3-grpc-tools python3-numpy). Every answer is checked; the exit code is 0 when all hold.
"""

import importlib
import os
import pathlib
import sys
import tempfile

import grpc
import numpy as np
from grpc_tools import protoc

ROOT = pathlib.Path(__file__).resolve().parents[3]
SAMPLES = [str(ROOT / "deploy/samples" / name) for name in ("left.jpg", "right.jpg")]


def generate_stubs(folder):
    """Generates the Python client from protos/ into a folder and makes it importable."""
    protos = ROOT / "protos"
    # training.proto tells absent from zero by `optional`, which compilers before 3.15 (Debian 12 packages one) do not know; `pip install grpcio-tools` does.
    packages = ("common", "features", "matching", "status")
    files = sorted(str(path) for package in packages for path in protos.glob(f"corrmesh/{package}/**/*.proto"))
    include = pathlib.Path(sys.modules["grpc_tools"].__file__).parent / "_proto"
    arguments = ["protoc", f"-I{protos}", f"-I{include}", f"--python_out={folder}", f"--grpc_python_out={folder}", *files]
    if protoc.main(arguments) != 0:
        raise SystemExit("the stubs could not be generated")
    sys.path.insert(0, folder)


def check(holds, claim):
    if not holds:
        raise SystemExit(f"does not hold: {claim}")
    print(f"  holds: {claim}")


def to_array(tensor):
    """A corrmesh.common.v1.Tensor as a numpy array; elements are little-endian in C order."""
    return np.frombuffer(tensor.data, "<f4" if tensor.data_type == 1 else "<f2").reshape(tensor.shape)


def main(address, source_path, target_path):
    with tempfile.TemporaryDirectory() as folder:
        generate_stubs(folder)
        geometry, image, frame, tensor = (importlib.import_module(f"corrmesh.common.v1.{name}_pb2") for name in ("geometry", "image", "frame", "tensor"))
        features, features_grpc = (importlib.import_module(f"corrmesh.features.v1.features_{kind}") for kind in ("pb2", "pb2_grpc"))
        feature_map = importlib.import_module("corrmesh.features.v1.feature_map_pb2")
        matching, matching_grpc = (importlib.import_module(f"corrmesh.matching.v1.matching_{kind}") for kind in ("pb2", "pb2_grpc"))

    def source(path):
        return feature_map.FeatureSource(image=image.Image(encoded=pathlib.Path(path).read_bytes()))

    # A feature map can be tens of megabytes; gRPC's own limit is 4.
    channel = grpc.insecure_channel(address, options=[("grpc.max_receive_message_length", 64 << 20), ("grpc.max_send_message_length", 64 << 20)])
    grpc.channel_ready_future(channel).result(timeout=30)
    metadata = [("x-api-key", os.environ["CORRMESH_API_KEY"])] if os.environ.get("CORRMESH_API_KEY") else []
    feature_service = features_grpc.FeatureServiceStub(channel)
    matching_service = matching_grpc.MatchingServiceStub(channel)

    print("models")
    models = feature_service.ListModels(features.ListModelsRequest(), timeout=30, metadata=metadata)
    for model in models.models:
        print(f"  {model.name}: {model.width} channels, {model.default_tokens} tokens on the long side")
    default = next((model for model in models.models if model.name == models.default_model), None)
    check(default is not None, "the default model is among those listed")

    print("features")
    reply = feature_service.ExtractFeatures(
        features.ExtractFeaturesRequest(source=source(source_path), return_values=tensor.DATA_TYPE_F32, normalise=True), timeout=120, metadata=metadata)
    values = to_array(reply.values)
    grid, size = reply.reference.grid, reply.reference.image_size
    print(f"  {values.shape} {values.dtype} of a picture of {size.width} x {size.height}")
    check(values.shape == (grid.rows, grid.columns, reply.reference.channels), "the array has the rows, columns and channels of the reference")
    check(bool(np.isfinite(values).all()), "every value is finite")
    check(np.abs(np.linalg.norm(values, axis=-1) - 1).max() < 1e-3, "normalised descriptors are unit length to 1e-3")

    print("matches")
    points = [geometry.Point(x=round(size.width * i / 6), y=round(size.height * j / 6)) for j in range(1, 6) for i in range(1, 6)]
    selection = geometry.PointSelection(points=geometry.PointList(points=points))
    answer = matching_service.MatchKeypoints(
        matching.MatchKeypointsRequest(source=source(source_path), target=source(target_path), selection=selection), timeout=120, metadata=metadata)
    for match in answer.matches:
        if match.visible:
            print(f"  ({match.source.x:g}, {match.source.y:g}) -> ({match.target.x:g}, {match.target.y:g}), similarity {match.similarity:.3f}")
    target_size = answer.target.image_size
    check([(match.source.x, match.source.y) for match in answer.matches] == [(point.x, point.y) for point in points], "one match for each point, in order")
    check(all(-0.5 <= match.target.x < target_size.width - 0.5 and -0.5 <= match.target.y < target_size.height - 0.5 for match in answer.matches),
          "every match lies in the target")
    check(all(-1.001 <= match.similarity <= 1.001 for match in answer.matches), "similarities are cosines")
    check(any(match.visible for match in answer.matches), "some matches lead back to where they came from")
    if [source_path, target_path] == SAMPLES:
        lattice = geometry.PointSelection(grid=geometry.Grid(columns=4, rows=4))
        fourth = matching_service.MatchKeypoints(
            matching.MatchKeypointsRequest(source=source(source_path), target=source(target_path), selection=lattice), timeout=120, metadata=metadata).matches[3]
        check((fourth.source.x, fourth.source.y) == (489.5, 69.5) and fourth.visible and np.hypot(fourth.target.x - 362, fourth.target.y - 47) < 1,
              "the fourth match of a grid of 4 x 4 is the README's, (489.5, 69.5) -> (362, 47)")
    # Keys instead of pictures: nothing is sent and nothing computed twice.
    key = feature_map.FeatureSource(features_key=answer.source.features_key)
    same = matching_service.MatchKeypoints(matching.MatchKeypointsRequest(source=key, target=key, selection=selection), timeout=120, metadata=metadata)
    step = max(grid.step_x_px, grid.step_y_px)
    check(all(abs(match.target.x - match.source.x) <= step and abs(match.target.y - match.source.y) <= step and match.similarity > 0.999 for match in same.matches),
          "a picture matches itself within a token step")

    print("stream")
    pictures = [source_path, target_path, source_path]

    def requests():
        policy = frame.StreamPolicy(mode=frame.StreamPolicy.MODE_ALL)
        yield features.StreamFeaturesRequest(config=features.StreamFeaturesConfig(policy=policy, selection=selection, return_values=tensor.DATA_TYPE_F16))
        for number, path in enumerate(pictures, start=1):
            content = image.Image(encoded=pathlib.Path(path).read_bytes())
            yield features.StreamFeaturesRequest(frame=frame.Frame(sequence=number, stamp_ns=number * 1_000_000, frame_id="camera", image=content))

    replies = list(feature_service.StreamFeatures(requests(), timeout=120, metadata=metadata))
    check([reply.WhichOneof("outcome") for reply in replies] == ["features"] * 3, "every frame is answered with features")
    check([(reply.features.sequence, reply.features.stamp_ns, reply.features.frame_id) for reply in replies] == [(n, n * 1_000_000, "camera") for n in (1, 2, 3)],
          "in order, with the frames' own sequence, stamp and frame_id")
    first, second, third = (reply.features for reply in replies)
    check([reply.features.reference.grid for reply in replies] == [answer.source.grid, answer.target.grid, answer.source.grid], "with the grids of their pictures")
    check(to_array(first.values).shape == (len(points), first.reference.channels), "a descriptor for each point")
    check(first.reference.features_key == third.reference.features_key != second.reference.features_key, "equal pictures have equal keys, others have others")
    check(first.values.data == third.values.data, "equal pictures have bit-equal descriptors")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 4):
        raise SystemExit(__doc__)
    main(sys.argv[1].removeprefix("http://"), *(sys.argv[2:] or SAMPLES))
