/** Treemaps: rectangles whose areas are sizes, and whose sides are as equal as can be. */

/** What has a size: an image, its layers, the packages in them. */
export interface SizeNode {
  readonly name: string;
  /** Bytes, with everything below it. */
  readonly size: number;
  readonly children?: readonly SizeNode[];
}

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The worst ratio of sides in a row of areas that is `side` long. */
function worst(areas: readonly number[], sum: number, side: number): number {
  const squares = sum * sum;
  return Math.max(...areas.map((area) => Math.max((side * side * area) / squares, squares / (side * side * area))));
}

/**
 * Divides a rectangle among sizes, which are above zero and in descending order; "squarified" as Bruls, Huizing and van Wijk describe it: rows
 * along the shorter side, each filled as long as that makes its rectangles less oblong.
 */
export function divide(within: Rectangle, sizes: readonly number[]): readonly Rectangle[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total <= 0 || within.width <= 0 || within.height <= 0)
    return sizes.map(() => ({ ...within, width: 0, height: 0 }));
  const scale = (within.width * within.height) / total;
  const areas = sizes.map((size) => size * scale);
  const placed: Rectangle[] = [];
  let free = within;
  for (let at = 0; at < areas.length;) {
    const side = Math.max(Math.min(free.width, free.height), Number.EPSILON);
    let row = areas.slice(at, at + 1);
    let sum = row[0] ?? 0;
    for (let next = at + 1; next < areas.length; next++) {
      const area = areas[next] ?? 0;
      if (worst([...row, area], sum + area, side) > worst(row, sum, side)) break;
      row = [...row, area];
      sum += area;
    }
    const thickness = sum / side;
    const across = free.width >= free.height;
    let along = across ? free.y : free.x;
    for (const area of row) {
      const length = area / thickness;
      placed.push(
        across
          ? { x: free.x, y: along, width: thickness, height: length }
          : { x: along, y: free.y, width: length, height: thickness },
      );
      along += length;
    }
    free = across
      ? { ...free, x: free.x + thickness, width: Math.max(0, free.width - thickness) }
      : { ...free, y: free.y + thickness, height: Math.max(0, free.height - thickness) };
    at += row.length;
  }
  return placed;
}
