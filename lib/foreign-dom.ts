/**
 * Keeps React working on a page that a translator or an extension changes. A translator replaces a text with an element of
 * its own, or wraps it in one. React still refers to the text: removing it would throw and take the whole page down, and
 * changing it would change nothing on the screen, so that a number stays as it was. Browser only.
 */

let isInstalled = false;

/** Call it once, before React changes the page. */
export function tolerateForeignChanges(): void {
  if (isInstalled) return;
  isInstalled = true;
  /** The element in the place of a text that was replaced. */
  const standIns = new WeakMap<Node, ChildNode>();

  /** The child of `parent` that is, holds or replaces `node`. */
  function childFor(parent: Node, node: Node): Node | null {
    const start = standIns.get(node) ?? node;
    for (let at: Node | null = start; at !== null; at = at.parentNode)
      if (at.parentNode === parent) return at;
    return null;
  }

  const { removeChild, insertBefore } = Node.prototype;
  Node.prototype.removeChild = function removeOwnChild<T extends Node>(this: Node, child: T): T {
    if (child.parentNode !== this) {
      const instead = childFor(this, child);
      if (instead === null) return child;
      removeChild.call(this, instead);
      return child;
    }
    removeChild.call(this, child);
    return child;
  };
  Node.prototype.insertBefore = function insertBeforeOwn<T extends Node>(
    this: Node,
    node: T,
    before: Node | null,
  ): T {
    const place = before === null || before.parentNode === this ? before : childFor(this, before);
    insertBefore.call(this, node, place);
    return node;
  };

  const texts = new MutationObserver((records) => {
    for (const { target } of records) showAgain(target);
  });
  /** Puts a changed text back in the place of its translation. */
  function showAgain(text: Node): void {
    const standIn = standIns.get(text);
    if (standIn === undefined || !standIn.isConnected) return;
    standIns.delete(text);
    standIn.replaceWith(text);
  }

  new MutationObserver((records) => {
    for (const { removedNodes, addedNodes, previousSibling, nextSibling } of records) {
      const [text] = removedNodes;
      // A wrapped text was removed and is in the page again.
      if (removedNodes.length !== 1 || !(text instanceof Text) || text.isConnected) continue;
      const standIn = [addedNodes[0], previousSibling, nextSibling].find(isForeign);
      if (standIn === undefined) continue;
      standIns.set(text, standIn);
      texts.observe(text, { characterData: true });
    }
  }).observe(document, { childList: true, subtree: true });
}

/** Translators use this element, which our pages do not. */
function isForeign(node: Node | null | undefined): node is HTMLElement {
  return node instanceof HTMLElement && node.localName === 'font';
}
