// An object's axes and box as lines in a picture: pinhole camera, x to the right, y down, z forward, metres; pixels count from the
// centre of the top-left one.

/** Where a point of the object is for the camera. */
const seenFrom = (m, [x, y, z]) => [0, 1, 2].map(i => m[i][0] * x + m[i][1] * y + m[i][2] * z + m[i][3]);

/** A line of the object in the picture, [[x, y], [x, y]]; what lies behind the camera is cut off, and null is what is left of a line all there. */
export function lineOf(matrix, camera, from, to, near) {
  let ends = [seenFrom(matrix, from), seenFrom(matrix, to)];
  if (ends.every(end => end[2] <= near)) return null;
  const [a, b] = ends, crossing = (near - a[2]) / (b[2] - a[2]);
  if (crossing > 0 && crossing < 1) {
    const cut = a.map((value, i) => i === 2 ? near : value + (b[i] - value) * crossing);
    ends = ends.map(end => end[2] < near ? cut : end);
  }
  return ends.map(([x, y, z]) => [camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy]);
}

/** The object's axes from the middle of its box, each half its diameter long: [[from, to], ...] for x, y and z. */
export function axesOf(object) {
  const middle = object.box.least.map((value, i) => (value + object.box.greatest[i]) / 2);
  return [0, 1, 2].map(axis => [middle, middle.map((value, i) => i === axis ? value + object.diameter_m / 2 : value)]);
}

/** The twelve edges of an object's box and whether the box itself hides each: [{ from, to, hidden }]. */
export function edgesOf(matrix, { least, greatest }) {
  // The camera in the object's frame, -Rᵀ·t: a face is seen when the camera is beyond it.
  const eye = [0, 1, 2].map(i => -[0, 1, 2].reduce((sum, j) => sum + matrix[j][i] * matrix[j][3], 0));
  const isSeen = (axis, side) => side ? eye[axis] > greatest[axis] : eye[axis] < least[axis];
  const edges = [];
  for (let axis = 0; axis < 3; axis++) {
    const others = [0, 1, 2].filter(other => other !== axis);
    for (const [first, second] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
      const end = along => [0, 1, 2].map(i => (i === axis ? along : i === others[0] ? first : second) ? greatest[i] : least[i]);
      edges.push({ from: end(0), to: end(1), hidden: !isSeen(others[0], first) && !isSeen(others[1], second) });
    }
  }
  return edges;
}

/** The rotation of a pose as a unit quaternion, w first and not negative. */
export function quaternionOf(m) {
  // The largest of the four is found first and the others are divided by it, so that nothing small is divided by.
  const squares = [1 + m[0][0] + m[1][1] + m[2][2], 1 + m[0][0] - m[1][1] - m[2][2], 1 - m[0][0] + m[1][1] - m[2][2], 1 - m[0][0] - m[1][1] + m[2][2]];
  const largest = squares.indexOf(Math.max(...squares)), [wx, wy, wz] = [m[2][1] - m[1][2], m[0][2] - m[2][0], m[1][0] - m[0][1]];
  const [xy, xz, yz] = [m[0][1] + m[1][0], m[0][2] + m[2][0], m[1][2] + m[2][1]];
  const scaled = [[squares[0], wx, wy, wz], [wx, squares[1], xy, xz], [wy, xy, squares[2], yz], [wz, xz, yz, squares[3]]][largest];
  const length = Math.hypot(...scaled) * (scaled[0] < 0 ? -1 : 1);
  return scaled.map(value => value / length);
}
