// The pictures in rows. Slots are there at once, pictures fill them as ranks firm up, and nothing else moves.

import { Card, slot } from "/page/js/card.js";
import { byId } from "/page/js/dom.js";
import { justified, rowHeight, shapeOf } from "/page/js/justify.js";
import { identityOf } from "/page/js/search.js";

const GAP = 14;
/** Shapes of slots before any is known. */
const USUAL_SHAPES = [1.5, 1.5, 0.75, 1.33, 1.5, 1.78, 0.8, 1.5, 1.33, 1.5];

/** The grid; `acts` are what cards do, `marksOf(match)` says what a person has done with a picture. */
export class Grid {
  constructor(acts, marksOf) {
    this.element = byId("grid");
    this.acts = acts;
    this.marksOf = marksOf;
    this.cards = [];
    this.slots = 0;
    this.waiting = null;
    this.isHeld = false;
    new ResizeObserver(() => this.#layOut()).observe(this.element);
    for (const [event, held] of [["pointerenter", true], ["pointerleave", false]]) {
      this.element.addEventListener(event, ({ pointerType }) => pointerType === "mouse" && this.#hold(held));
    }
  }

  /** Show `count` empty slots in place of all pictures. */
  expect(count) {
    this.waiting = null;
    this.cards = [];
    this.slots = count;
    this.element.replaceChildren(...Array.from({ length: count }, (_, index) => slot(index + 1)));
    this.#layOut();
  }

  /** Add `count` empty slots behind the pictures. */
  expectMore(count) {
    this.slots = count;
    const from = this.cards.length + 1;
    this.element.append(...Array.from({ length: count }, (_, index) => slot(from + index)));
    this.#layOut();
  }

  /** Show matches. While somebody points at a picture or has the focus on one, only final ranks move it. */
  show(results, { isFinal, expected }) {
    if (!isFinal && (this.isHeld || this.element.contains(document.activeElement))) {
      this.waiting = [results, expected];
      return;
    }
    this.waiting = null;
    const before = new Map(this.cards.map((card) => [card.identity, card]));
    const focused = this.cards.find((card) => card.element.contains(document.activeElement));
    const within = focused && document.activeElement;
    this.cards = results.matches.map((match) => {
      const card = before.get(identityOf(match)) ?? new Card(this.acts);
      before.delete(identityOf(match));
      card.show(match, this.marksOf(match), { isFinal });
      return card;
    });
    this.slots = isFinal ? 0 : Math.max(expected - this.cards.length, 0);
    const slots = Array.from({ length: this.slots }, (_, index) => slot(this.cards.length + index + 1));
    this.element.replaceChildren(...this.cards.map((card) => card.element), ...slots);
    this.#layOut();
    if (within) (this.element.contains(within) ? within : this.cards[0]?.look)?.focus({ preventScroll: true });
  }

  /** Show anew what a person has done with the pictures. */
  remark() {
    for (const card of this.cards) card.mark(this.marksOf(card.match));
  }

  /** Take all pictures away. */
  clear() {
    this.expect(0);
  }

  /** Return the card that has the focus, or null. */
  get focused() {
    return this.cards.find((card) => card.element.contains(document.activeElement)) ?? null;
  }

  /** Move the focus by an arrow key: along the row, or to the nearest picture of the row above or below. */
  move(key) {
    const at = this.cards.indexOf(this.focused);
    if (at < 0) return this.#focus(key === "End" ? this.cards.length - 1 : 0);
    if (key === "ArrowRight") return this.#focus(at + 1);
    if (key === "ArrowLeft") return this.#focus(at - 1);
    if (key === "Home") return this.#focus(0);
    if (key === "End") return this.#focus(this.cards.length - 1);
    const here = this.boxes[at];
    const down = key === "ArrowDown";
    const rows = this.boxes.slice(0, this.cards.length).map((box) => box.y).filter((y) => (down ? y > here.y : y < here.y));
    if (!rows.length) return false;
    const y = down ? Math.min(...rows) : Math.max(...rows);
    const middle = (box) => box.x + box.width / 2;
    const inRow = this.cards.map((_, index) => index).filter((index) => this.boxes[index].y === y);
    const distance = (index) => Math.abs(middle(this.boxes[index]) - middle(here));
    return this.#focus(inRow.reduce((best, index) => (distance(index) < distance(best) ? index : best)));
  }

  #focus(index) {
    const card = this.cards[index];
    if (!card) return false;
    card.look.focus();
    return true;
  }

  #hold(isHeld) {
    this.isHeld = isHeld;
    if (!isHeld && this.waiting) {
      const [results, expected] = this.waiting;
      this.show(results, { isFinal: false, expected });
    }
  }

  #layOut() {
    const width = this.element.clientWidth;
    if (!width) return;
    const shapes = this.cards.map((card) => shapeOf(card.match));
    for (let index = 0; index < this.slots; index += 1) shapes.push(USUAL_SHAPES[(this.cards.length + index) % USUAL_SHAPES.length]);
    const below = parseFloat(getComputedStyle(this.element).getPropertyValue("--words")) * parseFloat(getComputedStyle(document.documentElement).fontSize);
    const { boxes, height } = justified(shapes, width, { target: rowHeight(width), gap: GAP, below });
    this.boxes = boxes;
    [...this.element.children].forEach((child, index) => {
      if (child.card) child.card.place(boxes[index]);
      else Card.prototype.place.call({ element: child }, boxes[index]);
    });
    this.element.style.height = `${height}px`;
  }
}
