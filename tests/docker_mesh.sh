#!/usr/bin/env bash
# Builds the images, starts docker-compose.yml, checks the mesh in it and takes it down again. Not part of tests/run, which needs no Docker.
#
# usage: tests/docker_mesh.sh
#
# Needs docker with compose (`docker compose` or docker-compose), curl and what tests/clients/python needs. Ports of this machine:
# CORRMESH_HTTP_PORT and CORRMESH_GRPC_PORT (default 8080 and 8081). CORRMESH_BUILD_ARGS: more arguments of `compose build`;
# CORRMESH_KEEP_IMAGES=1: take the images as they are. Exit code 0 when all holds.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
export CORRMESH_HTTP_PORT=${CORRMESH_HTTP_PORT:-8080} CORRMESH_GRPC_PORT=${CORRMESH_GRPC_PORT:-8081}
CORRMESH_REDIS_PASSWORD=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
export CORRMESH_REDIS_PASSWORD
# A data folder of its own that the containers' user may write.
work=$(mktemp -d)
mkdir -m 777 "$work/data"
printf 'services:\n  features: { volumes: ["%s:/data:ro"] }\n  training: { volumes: ["%s:/data"] }\n  pose: { volumes: ["%s:/data"] }\n' "$work"/data{,,} >"$work/data.yml"
files=(-p corrmesh-test -f docker-compose.yml -f "$work/data.yml")
if docker compose version >/dev/null 2>&1; then compose=(docker compose "${files[@]}"); else compose=(docker-compose "${files[@]}"); fi
services=(features matching training pose gateway)

fail() {
    echo "does not hold: $1" >&2
    "${compose[@]}" logs --tail=30 >&2 || true
    exit 1
}

holds() {
    local claim=$1
    shift
    "$@" || fail "$claim"
    echo "  holds: $claim"
}

inspect() { docker inspect -f "$2" "$("${compose[@]}" ps -q "$1")"; }
in_container() { docker exec "$("${compose[@]}" ps -q "$1")" "${@:2}"; }
is() { [[ $1 == "$2" ]]; }
not() { ! "$@" 2>/dev/null; }

if [[ -z ${CORRMESH_KEEP_IMAGES:-} ]]; then
    read -ra more <<<"${CORRMESH_BUILD_ARGS:-}"
    "${compose[@]}" build "${more[@]}"
fi
clean() {
    "${compose[@]}" down -v --timeout 30 || true
    # What the containers' user has written is his.
    docker run --rm -v "$work/data:/data" --entrypoint sh corrmesh -c 'rm -rf /data/*' || true
    rm -rf "$work"
}
trap clean EXIT
"${compose[@]}" up -d --no-build || fail "every service becomes healthy"
echo "waiting for the gateway's health ..."
for _ in $(seq 120); do
    state=$(inspect gateway '{{.State.Health.Status}}')
    [[ $state == healthy ]] && break
    sleep 1
done
for service in redis "${services[@]}"; do
    holds "$service is healthy" is "$(inspect "$service" '{{.State.Health.Status}}')" healthy
done

http=http://127.0.0.1:$CORRMESH_HTTP_PORT
holds "every service serves" curl -fsS -o /dev/null "$http/healthz"
matches=$(curl -fsS -F source=@deploy/samples/left.jpg -F target=@deploy/samples/right.jpg -F grid=4 "$http/v1/match" | grep -o '"similarity"' | wc -l)
holds "16 matches for a grid of 4" is "$matches" 16
/usr/bin/python3 tests/clients/python/first_answer.py "127.0.0.1:$CORRMESH_GRPC_PORT" || fail "the Python client has its answers"

cat >"$work/box.ply" <<'PLY'
ply
format ascii 1.0
element vertex 8
property float x
property float y
property float z
property uchar red
property uchar green
property uchar blue
element face 6
property list uchar int vertex_indices
end_header
0 0 0 250 20 20
0.2 0 0 20 250 20
0.2 0.15 0 20 20 250
0 0.15 0 250 250 20
0 0 0.1 20 250 250
0.2 0 0.1 250 20 250
0.2 0.15 0.1 250 250 250
0 0.15 0.1 20 20 20
4 3 2 1 0
4 4 5 6 7
4 0 1 5 4
4 1 2 6 5
4 2 3 7 6
4 3 0 4 7
PLY
holds "an object is made" curl -fsS -o /dev/null -F id=box -F view_count=8 -F roll_count=1 -F "mesh=@$work/box.ply" "$http/v1/objects"
docker kill "$("${compose[@]}" ps -q pose)" >/dev/null
"${compose[@]}" up -d --no-build pose >/dev/null 2>&1
for _ in $(seq 60); do
    [[ $(inspect pose '{{.State.Health.Status}}') == healthy ]] && break
    sleep 1
done
holds "the object outlives its service's container" curl -fsS --retry 20 --retry-delay 1 -o /dev/null "$http/v1/objects/box"

for service in redis "${services[@]}"; do
    holds "$service does not run as root" not is "$(in_container "$service" id -u)" 0
    holds "$service cannot write to its root file system" not in_container "$service" sh -c 'touch /app/x || touch /x'
    holds "$service has no capabilities" is "$(in_container "$service" sed -n 's/^CapEff:\t//p' /proc/1/status)" 0000000000000000
done
for service in features matching training pose redis; do
    holds "$service publishes no port" is "$(docker port "$("${compose[@]}" ps -q "$service")")" ""
done
holds "the gateway is published on loopback alone" not grep -qv '127\.0\.0\.1:' <<<"$(docker port "$("${compose[@]}" ps -q gateway)")"
holds "Redis wants its password" not in_container redis sh -c 'unset REDISCLI_AUTH; redis-cli ping | grep -qx PONG'
holds "the password is in no command line" not in_container redis grep -qa "$CORRMESH_REDIS_PASSWORD" /proc/1/cmdline
holds "features is ready, says the binary itself" in_container features dotnet CorrMesh.Host.dll healthcheck 6101
holds "a port where nothing listens is not ready" not in_container features dotnet CorrMesh.Host.dll healthcheck 6999

containers=()
for service in "${services[@]}"; do containers+=("$("${compose[@]}" ps -q "$service")"); done
"${compose[@]}" stop -t 30 gateway pose training matching features >/dev/null 2>&1
for container in "${containers[@]}"; do
    holds "$(docker inspect -f '{{.Name}}' "$container") stopped by itself" is "$(docker inspect -f '{{.State.ExitCode}}' "$container")" 0
done
docker images --format '{{.Repository}}:{{.Tag}} {{.Size}}' | grep '^corrmesh' | sort
echo "all holds"
