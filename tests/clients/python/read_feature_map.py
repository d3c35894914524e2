#!/usr/bin/env python3
"""Reads a feature map from Redis by the layout in protos/README.md, section "Maps in Redis"; needs numpy and nothing of CorrMesh.

usage: read_feature_map.py HOST:PORT FEATURES_KEY [--signing-key-file FILE] [--out FILE.npy] [--expect FILE.npy]

Prints what the value says of itself. --out writes the map as float32 [rows, columns, channels]; --expect compares with such a file,
bit for bit, and fails where they differ.
"""
import argparse
import hashlib
import hmac
import pathlib
import socket
import struct

import numpy as np


def get(address, name):
    """GET in Redis's own protocol: an array of bulk strings out, one bulk string back."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as connection, connection.makefile("rb") as replies:
        connection.sendall(b"*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n" % (len(name), name))
        head = replies.readline()
        if not head.startswith(b"$"):
            raise SystemExit(f"Redis answered {head!r}")
        size = int(head[1:])
        return None if size < 0 else replies.read(size)


def parse(value, key, signing_key=None):
    """The map's values as float16 [rows, columns, channels], and the rest as a dictionary."""
    content, check = value[:-32], value[-32:]
    magic, stored_key = struct.unpack_from("<8s32s", content)
    image_width, image_height, x, y, width, height = struct.unpack_from("<6I", content, 40)
    columns, x_scale, x_offset, rows, y_scale, y_offset, channels, kind = struct.unpack_from("<IffIffII", content, 64)
    digest = {1: lambda: hashlib.sha256(content), 2: lambda: hmac.new(signing_key or b"", content, "sha256")}[kind]().digest()
    if magic != b"CORRMAP\x01" or stored_key.hex() != key or not hmac.compare_digest(digest, check):
        raise SystemExit("not a whole map of this key")
    at, texts = 96, []
    for _ in range(5):
        size, = struct.unpack_from("<H", content, at)
        texts.append(content[at + 2:at + 2 + size].decode("utf-8"))
        at += 2 + size
    values = np.frombuffer(content, "<f2", offset=at)
    return values.reshape(rows, columns, channels), {
        "image_size": (image_width, image_height), "region": (x, y, width, height),
        "x_axis": (x_scale, x_offset), "y_axis": (y_scale, y_offset),
        "model": texts[0], "model_digest": texts[1], "adapter": texts[2], "adapter_digest": texts[3], "numerics": texts[4],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", metavar="HOST:PORT")
    parser.add_argument("key", metavar="FEATURES_KEY")
    parser.add_argument("--prefix", default="corrmesh:map:")
    parser.add_argument("--signing-key-file", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--expect", type=pathlib.Path)
    options = parser.parse_args()
    value = get(options.address, (options.prefix + options.key).encode())
    if value is None:
        raise SystemExit("no such map")
    signing_key = options.signing_key_file.read_text().strip().encode() if options.signing_key_file else None
    values, about = parse(value, options.key, signing_key)
    print(f"{values.shape[0]} x {values.shape[1]} tokens, {values.shape[2]} channels")
    for name, what in about.items():
        print(f"  {name}: {what}")
    if options.out:
        np.save(options.out, values.astype("<f4"))
    if options.expect:
        expected = np.load(options.expect)
        if expected.shape != values.shape or expected.astype("<f4").tobytes() != values.astype("<f4").tobytes():
            raise SystemExit(f"differs from {options.expect}")
        print(f"  equal to {options.expect.name} to the bit")


if __name__ == "__main__":
    main()
