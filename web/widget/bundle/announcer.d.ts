/** Tells people who listen to the page about alerts and corrections: in whole sentences, now and then, politely. */
import type { Item } from './window.js';
import type { Strings } from './strings.js';
export declare class Announcer {
    #private;
    /** @type {HTMLElement} */ node: HTMLElement;
    /** Where a flash interrupts, on a page that wants it to. @type {HTMLElement} */
    alarm: HTMLElement;
    /** @param {Strings} strings */
    constructor(strings: Strings);
    /**
     * @param {Item} item
     * @param {boolean} assertive whether this page wants a flash said at once
     */
    add(item: Item, assertive: boolean): void;
    /** @param {string} id */
    forget(id: string): void;
    /** What was said and what was to be said is of no use any more. */
    hush(): void;
    /** Leaves no timer. */
    stop(): void;
}
