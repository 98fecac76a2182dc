/** The newest alert alone, until somebody puts it away; that is remembered, where a browser lets us. */
import type { Items } from './items.js';
import type { Press } from './view.js';
import type { Item } from './window.js';
/** @import { Items } from './items.js' */
/** @import { Press } from './view.js' */
/** @import { Item } from './window.js' */
export declare class Toast {
    #private;
    node: HTMLUListElement;
    tall: boolean;
    /** @type {Press[]} */ controls: Press[];
    /**
     * @param {Items} items
     * @param {string} channel
     */
    constructor(items: Items, channel: string);
    /** @param {Item[]} items */
    show(items: Item[]): boolean;
    dismiss(): void;
}
