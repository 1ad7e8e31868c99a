// Justified rows: pictures of one height beside each other, in reading order, each row as wide as the page.

const NARROWEST = 0.66;
const WIDEST = 2.8;

/** Return the shape of a match as it is laid out: width through height, within bounds. */
export function shapeOf({ width, height }) {
  const shape = width > 0 && height > 0 ? width / height : 1.5;
  return Math.min(Math.max(shape, NARROWEST), WIDEST);
}

/** Return the height of rows that suits a page's width, in pixels. */
export function rowHeight(width) {
  if (width < 520) return 170;
  if (width < 1000) return 210;
  return Math.min(210 + (width - 1000) * 0.07, 300);
}

/**
 * Lay out shapes: `[{x, y, width, height}]`, and the `height` of all. `below` is the room under each picture for its
 * words, `gap` lies between pictures. The last row is not drawn out.
 */
export function justified(shapes, width, { target, gap, below }) {
  const boxes = [];
  let y = 0;
  let start = 0;
  while (start < shapes.length) {
    let end = start + 1;
    let sum = shapes[start];
    while (end < shapes.length && closer(sum, shapes[end], end - start, width, target, gap)) sum += shapes[end++];
    const fitting = (width - gap * (end - start - 1)) / sum;
    const isLast = end === shapes.length;
    const height = Math.round(Math.min(fitting, isLast ? target * 1.15 : target * 1.6));
    let x = 0;
    for (const shape of shapes.slice(start, end)) {
      const wide = Math.floor(shape * height);
      boxes.push({ x: Math.round(x), y, width: wide, height });
      x += shape * height + gap;
    }
    y += height + below + gap;
    start = end;
  }
  return { boxes, height: Math.max(y - gap, 0) };
}

/** Whether a row comes nearer to its height with one more shape. */
function closer(sum, shape, count, width, target, gap) {
  const without = (width - gap * (count - 1)) / sum;
  const withIt = (width - gap * count) / (sum + shape);
  if (without <= target) return false;
  return Math.abs(Math.log(withIt / target)) <= Math.abs(Math.log(without / target));
}
