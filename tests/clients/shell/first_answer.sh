#!/usr/bin/env bash
# First answers from a running mesh through curl and `buf curl`; every answer is checked.
#
# usage: first_answer.sh HTTP_ADDRESS GRPC_ADDRESS [SOURCE TARGET]
#
# The addresses are the gateway's, such as http://localhost:8080 and http://localhost:8081; SOURCE and TARGET are two
# pictures (default: the project's samples). CORRMESH_API_KEY holds an API key where the mesh wants one. BUF names the buf program
# (default: the one that tests/run installs, or the one on the PATH). Exit code 0 when all holds.
set -euo pipefail

[[ $# -eq 2 || $# -eq 4 ]] || { sed -n 's/^# \{0,1\}//p' "${BASH_SOURCE[0]}" | head -8 >&2; exit 2; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
http=${1%/} grpc=${2%/}
source=${3:-$root/deploy/samples/left.jpg}
target=${4:-$root/deploy/samples/right.jpg}
buf=${BUF:-$root/artifacts/tools/node_modules/.bin/buf}
[[ -x $buf ]] || buf=buf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# holds CLAIM PYTHON_EXPRESSION [FILE]: the expression sees the file's JSON as `reply`.
holds() {
    /usr/bin/python3 - "$1" "$2" "${3:-}" <<'PY'
import json, sys
claim, expression, path = sys.argv[1:]
reply = json.load(open(path)) if path else None
if not eval(expression):
    raise SystemExit(f"does not hold: {claim}")
print(f"  holds: {claim}")
PY
}

api_key=() reflect=()
[[ -z ${CORRMESH_API_KEY:-} ]] || api_key=(-H "x-api-key: $CORRMESH_API_KEY") reflect=(--reflect-header "*")   # reflection, too, with the key
get() { curl "${api_key[@]}" "$@"; }
rpc() { "$buf" curl --protocol grpc --http2-prior-knowledge "${api_key[@]}" "${reflect[@]}" "$@"; }

echo "GET /healthz"
get -fsS "$http/healthz" >"$work/health.json"
holds "every service serves" "reply['status'] == 'serving' and set(reply['services'].values()) == {'serving'}" "$work/health.json"

echo "GET /v1/models"
get -fsS "$http/v1/models" >"$work/models.json"
holds "the default model is among those listed" "reply['default_model'] in [model['name'] for model in reply['models']]" "$work/models.json"

echo "POST /v1/features"
get -fsS -F image=@"$source" "$http/v1/features" >"$work/features.json"
holds "the reply names the map, its grid and its model" \
    "len(reply['features_key']) == 64 and reply['grid']['columns'] > 0 and reply['channels'] > 0 and reply['identity']['model']" "$work/features.json"
get -fsS -H 'Accept: application/x-npy' -F image=@"$source" "$http/v1/features" >"$work/features.npy"
get -fsS -D "$work/headers" -H 'Accept: application/octet-stream' -F image=@"$source" "$http/v1/features" >"$work/features.bin"
shape=$(sed -n 's/^features-shape: *\([0-9,]*\).*/\1/pi' "$work/headers")
/usr/bin/python3 - "$work" "$shape" "$(wc -c <"$work/features.bin")" <<'PY'
import sys
import numpy as np
work, shape, size = sys.argv[1], tuple(map(int, sys.argv[2].split(","))), int(sys.argv[3])
values = np.load(f"{work}/features.npy")
if values.dtype != np.dtype("<f4") or values.shape != shape or size != values.nbytes or not np.isfinite(values).all():
    raise SystemExit(f"does not hold: {values.dtype} {values.shape} in npy are {shape} and {size} bytes in octet-stream")
if (np.fromfile(f"{work}/features.bin", "<f4").reshape(shape) != values).any():
    raise SystemExit("does not hold: npy and octet-stream carry the same values")
print(f"  holds: npy and octet-stream carry the same float32 array {shape}")
PY

echo "POST /v1/match"
get -fsS -F source=@"$source" -F target=@"$target" --form-string 'points=100,100;250.5,300' "$http/v1/match" >"$work/points.json"
holds "one match for each point, in order" "[(m['source']['x'], m['source']['y']) for m in reply['matches']] == [(100, 100), (250.5, 300)]" "$work/points.json"
get -fsS -F source=@"$source" -F target=@"$target" -F grid=4 "$http/v1/match" >"$work/grid.json"
holds "16 matches for a grid of 4, within the target, with cosines" \
    "len(reply['matches']) == 16 and all(-0.5 <= m['target']['x'] < reply['target_size']['width'] - 0.5 and -0.5 <= m['target']['y'] < reply['target_size']['height'] - 0.5 and -1.001 <= m['similarity'] <= 1.001 for m in reply['matches'])" \
    "$work/grid.json"
status=$(get -sS -o "$work/problem.json" -w '%{http_code} %{content_type}' -F source=@"$source" -F target=@"$target" -F 'points=-3,100' "$http/v1/match")
[[ $status == "400 application/problem+json"* ]] || { echo "does not hold: a point outside is a 400 with problem details; got $status" >&2; exit 1; }
holds "a point outside the picture is refused with problem details that name it" "reply['status'] == 400 and 'points[0]' in json.dumps(reply)" "$work/problem.json"

echo "GET /openapi/v1.json"
get -fsS "$http/openapi/v1.json" >"$work/openapi.json"
holds "the API describes its routes" "{'/v1/models', '/v1/features', '/v1/match', '/healthz'} <= set(reply['paths'])" "$work/openapi.json"

echo "gRPC reflection, health and MatchKeypoints"
rpc --list-services "$grpc" | sort >"$work/services"
for service in corrmesh.features.v1.FeatureService corrmesh.matching.v1.MatchingService grpc.health.v1.Health; do
    grep -qx "$service" "$work/services" || { echo "does not hold: $service is listed" >&2; exit 1; }
    echo "  holds: $service is listed"
done
rpc -d '{}' "$grpc/grpc.health.v1.Health/Check" >"$work/serving.json"
holds "the mesh is SERVING" "reply['status'] == 'SERVING'" "$work/serving.json"
{
    printf '{"source":{"image":{"encoded":"'; base64 -w0 "$source"
    printf '"}},"target":{"image":{"encoded":"'; base64 -w0 "$target"
    printf '"}},"selection":{"grid":{"columns":4,"rows":4}}}'
} >"$work/request.json"
rpc -d @"$work/request.json" "$grpc/corrmesh.matching.v1.MatchingService/MatchKeypoints" >"$work/matches.json"
holds "16 matches over gRPC too" "len(reply['matches']) == 16" "$work/matches.json"
/usr/bin/python3 - "$work" <<'PY'
import json, sys
http, grpc = (json.load(open(f"{sys.argv[1]}/{name}.json"))["matches"] for name in ("grid", "matches"))
if any(a["target"]["x"] != b["target"].get("x", 0) or a["target"]["y"] != b["target"].get("y", 0) for a, b in zip(http, grpc)):
    raise SystemExit("does not hold: HTTP and gRPC give the same matches")
print("  holds: HTTP and gRPC give the same matches")
PY
if [[ $# -eq 2 ]]; then
    holds "the fourth is the README's, (489.5, 69.5) -> (362, 47)" \
        "(m := reply['matches'][3]) and m['source'] == {'x': 489.5, 'y': 69.5} and m['visible'] and abs(m['target']['x'] - 362) < 1 and abs(m['target']['y'] - 47) < 1" \
        "$work/matches.json"
fi

echo "StreamFeatures"
# One JSON message after another on standard input; answers come the same way. 64-bit integers are strings in protobuf's JSON.
frame() { printf '{"frame":{"sequence":"%s","stampNs":"175000000000000000%s","frameId":"camera","image":{"encoded":"' "$1" "$1"; base64 -w0 "$2"; printf '"}}}\n'; }
{
    echo '{"config":{"policy":{"mode":"MODE_ALL"},"selection":{"grid":{"columns":4,"rows":4}}}}'
    frame 1 "$source"; frame 2 "$target"; frame 3 "$source"
} | rpc -d @- "$grpc/corrmesh.features.v1.FeatureService/StreamFeatures" >"$work/stream"
/usr/bin/python3 - "$work" <<'PY' >"$work/stream.json"
import json, sys
text, at, replies = open(f"{sys.argv[1]}/stream").read().rstrip(), 0, []
while at < len(text):
    reply, at = json.JSONDecoder().raw_decode(text, at + len(text[at:]) - len(text[at:].lstrip()))
    replies.append(reply)
matches = json.load(open(f"{sys.argv[1]}/matches.json"))
json.dump({"features": [reply.get("features") for reply in replies], "grids": [matches[side]["grid"] for side in ("source", "target", "source")]}, sys.stdout)
PY
holds "every frame is answered with features, in order, with its sequence, stamp and frame_id" \
    "[(f['sequence'], f['stampNs'], f['frameId']) for f in reply['features']] == [(str(n), f'175000000000000000{n}', 'camera') for n in (1, 2, 3)]" "$work/stream.json"
holds "with the grids of their pictures" "[f['reference']['grid'] for f in reply['features']] == reply['grids']" "$work/stream.json"
