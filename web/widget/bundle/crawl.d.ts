/**
 * All alerts in one line that runs. It runs over a copy that only eyes are told of, so that the end is followed by the
 * beginning; when it stands, the buttons move it.
 */
import type { Items } from './items.js';
import type { Press } from './view.js';
import type { Item } from './window.js';
export declare class Crawl {
    #private;
    node: HTMLDivElement;
    /** @type {Press[]} */ controls: Press[];
    /** @param {Items} items */
    constructor(items: Items);
    /**
     * @param {Item[]} items
     * @param {string|null} fresh
     */
    show(items: Item[], fresh: string | null): void;
    /** To the next beginning, or to what did not fit. @param {number} step */
    move(step: number): void;
    /** @param {boolean} moving */
    run(moving: boolean): void;
}
