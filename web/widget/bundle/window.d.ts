/**
 * The rolling window of a channel: a pure fold of its entries, the same as the server's.
 * No clock, no network, no DOM; both are held to one table of cases.
 */
export type Item = {
    id: string;
    version: number;
    headline?: string;
    attribution?: string;
    language?: string;
    direction?: string;
    urgency?: number;
    signal?: string;
    link?: string;
    correction_note?: string;
    firstcreated?: string;
    published_at?: string;
    bumped_at?: string;
    pinned_until?: string;
    expires?: string;
};
export type Entry = {
    act: string;
    item: Item;
};
/**
 * @typedef {object} Item
 * @property {string} id
 * @property {number} version
 * @property {string} [headline]
 * @property {string} [attribution]
 * @property {string} [language]
 * @property {string} [direction]
 * @property {number} [urgency]
 * @property {string} [signal]
 * @property {string} [link]
 * @property {string} [correction_note]
 * @property {string} [firstcreated]
 * @property {string} [published_at]
 * @property {string} [bumped_at]
 * @property {string} [pinned_until]
 * @property {string} [expires]
 *
 * @typedef {{act: string, item: Item}} Entry
 */
/** Of what is shown, these acts change no more than the text. */
export declare const CHANGES: RegExp;
/** After these it is not shown any more. */
export declare const LEAVES: RegExp;
/** When it came to the top. @param {Item} item */
export declare const risenAt: (item: Item) => string;
export declare class Window {
    #private;
    /** @param {number} [size] how many items it holds; withdrawn ones do not count */
    constructor(size?: number);
    /**
     * Replaces the items by a snapshot's. Tombstones stay: a snapshot out of a cache may be older than a retraction.
     * @param {Item[]} items pinned first, each group newest first
     * @param {[string, number][]} [gone] ids and versions, as below
     */
    load(items: Item[], gone?: [string, number][]): void;
    /**
     * @param {Entry} entry
     * @returns {boolean} whether anything changed
     */
    apply({ act, item }: Entry): boolean;
    /** The view: pinned first, each group newest first. @returns {Item[]} */
    get items(): Item[];
    /** Ids of what is gone, each with the version that took it away; the newest last. */
    get gone(): [string, number][];
}
