/**
 * What is known and what is shown: the same, until the reader pauses. Then what was shown is held and new alerts wait,
 * while a retraction or a correction of what is held still takes effect at once. No DOM.
 */
import type { Entry, Item } from './window.js';
/** @import { Entry, Item } from './window.js' */
export declare class Board {
    #private;
    /** @param {number} size */
    constructor(size: number);
    get paused(): boolean;
    /** What the reader sees, in order. @returns {Item[]} */
    get items(): Item[];
    /** What waits for the reader to go on, newest first. @returns {Item[]} */
    get waiting(): Item[];
    pause(): void;
    play(): void;
    /** @param {string} id */
    knows(id: string): boolean;
    /**
     * @param {Item[]} items
     * @param {[string, number][]} gone
     * @returns {{added: Item[], corrected: Item[], removed: string[]}} what is new to this page comes oldest first
     */
    load(items: Item[], gone: [string, number][]): {
        added: Item[];
        corrected: Item[];
        removed: string[];
    };
    /**
     * @param {Entry} entry
     * @returns {boolean} whether anything changed
     */
    apply(entry: Entry): boolean;
}
