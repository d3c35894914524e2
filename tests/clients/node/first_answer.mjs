// First answers from a running mesh over gRPC at the gateway's one address: matches of the two sample pictures, and a stream.
//
// usage: node first_answer.mjs ADDRESS
//
// ADDRESS is the gateway's gRPC address, such as http://localhost:8081. CORRMESH_API_KEY holds an API key where the mesh wants one.
// Needs the packages of package.json: `npm install` in this folder. Every answer is checked; the exit code is 0 when all hold.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const require = createRequire(import.meta.url);   // unlike import, it also looks in NODE_PATH
const grpc = require('@grpc/grpc-js'), loader = require('@grpc/proto-loader');

const [address] = process.argv.slice(2);
if (!address) {
  console.error('usage: node first_answer.mjs ADDRESS');
  process.exit(2);
}

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
// No generated code: the contract's files are read as they are. 64-bit integers come as decimal strings.
const contract = grpc.loadPackageDefinition(loader.loadSync(
  ['corrmesh/features/v1/features.proto', 'corrmesh/matching/v1/matching.proto'],
  { includeDirs: [path.join(root, 'protos')], keepCase: true, longs: String, enums: String, defaults: true, oneofs: true })).corrmesh;

const target = address.replace(/^https?:\/\//, '').replace(/\/$/, '');
const credentials = address.startsWith('https:') ? grpc.credentials.createSsl() : grpc.credentials.createInsecure();
const options = { 'grpc.max_receive_message_length': 64 << 20, 'grpc.max_send_message_length': 64 << 20 };   // gRPC's own limit is 4 MiB
const features = new contract.features.v1.FeatureService(target, credentials, options);
const matching = new contract.matching.v1.MatchingService(target, credentials, options);
const metadata = new grpc.Metadata();
if (process.env.CORRMESH_API_KEY) metadata.set('x-api-key', process.env.CORRMESH_API_KEY);
const deadline = () => ({ deadline: Date.now() + 120_000 });

function check(holds, claim) {
  assert.ok(holds, `does not hold: ${claim}`);
  console.log(`  holds: ${claim}`);
}

const [left, right] = ['left.jpg', 'right.jpg'].map(name => ({ encoded: readFileSync(path.join(root, 'deploy/samples', name)) }));
const selection = { grid: { columns: 4, rows: 4 } };

console.log('matches');
const answer = await promisify(matching.MatchKeypoints.bind(matching))(
  { source: { image: left }, target: { image: right }, selection }, metadata, deadline());
for (const { source, target, similarity } of answer.matches.filter(match => match.visible))
  console.log(`  (${source.x}, ${source.y}) -> (${target.x}, ${target.y}), similarity ${similarity.toFixed(3)}`);
check(answer.matches.length === 16, 'a match for each position of the grid');
const fourth = answer.matches[3];
check(fourth.source.x === 489.5 && fourth.source.y === 69.5, 'the fourth is that of (489.5, 69.5)');
check(fourth.visible && Math.hypot(fourth.target.x - 362, fourth.target.y - 47) < 1, 'it is visible, at (362, 47)');

console.log('stream');
const stream = features.StreamFeatures(metadata, deadline());
stream.write({ config: { policy: { mode: 'MODE_ALL' }, selection } });
const frames = [left, right, left].map((image, i) => ({ sequence: i + 1, stamp_ns: `${1_750_000_000_000_000_000n + BigInt(i)}`, frame_id: 'camera', image }));
for (const frame of frames) stream.write({ frame });
stream.end();
const replies = [];
for await (const reply of stream) replies.push(reply);
check(replies.length === 3 && replies.every(reply => reply.outcome === 'features'), 'every frame is answered with features');
replies.forEach(({ features: reply }, i) => {
  const grid = (i === 1 ? answer.target : answer.source).grid;
  check(reply.sequence === `${frames[i].sequence}` && reply.stamp_ns === frames[i].stamp_ns && reply.frame_id === 'camera', `answer ${i + 1} has its frame's sequence, stamp and frame_id`);
  assert.deepEqual(reply.reference.grid, grid, `does not hold: answer ${i + 1} has the grid of its picture`);
  console.log(`  holds: answer ${i + 1} has the grid of its picture, ${grid.columns} x ${grid.rows} tokens`);
});

features.close();
matching.close();
