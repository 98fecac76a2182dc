/** The list of alerts as nodes: one <li> for each item, kept as long as the item is shown. */
import type { Item } from './window.js';
import type { Strings } from './strings.js';
/** For those who listen. @param {Item} item @param {Strings} strings */
export declare const sentence: (item: Item, strings: Strings) => string;
export declare const DIRECTION: RegExp;
export declare class Items {
    #private;
    /** @type {HTMLUListElement} */ node: HTMLUListElement;
    /** @param {Strings} strings */
    constructor(strings: Strings);
    /**
     * @param {Item[]} items in the order shown
     * @param {number} now by the server's clock, milliseconds
     */
    render(items: Item[], now: number): void;
    /** @param {string|null} id */
    nodeOf(id: string | null): HTMLLIElement | null;
}
