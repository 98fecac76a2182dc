/** The nodes of one widget: label, list, state of the line and buttons. It shows what it is told. */
import type { Item } from './window.js';
import type { Strings } from './strings.js';
export type Press = 'pause' | 'previous' | 'next' | 'dismiss';
export type Frame = {
    items: Item[];
    /**
     * id of an alert that has just come
     */
    fresh: string | null;
    /**
     * whether a snapshot has come yet; until then the page's own children are shown
     */
    loaded: boolean;
    paused: boolean;
    moving: boolean;
    note: {
        text: string;
        fresh: boolean;
    };
    /**
     * of the channel
     */
    direction?: string;
    /**
     * by the server's clock, milliseconds
     */
    now: number;
};
/**
 * @typedef {'pause'|'previous'|'next'|'dismiss'} Press what a button does
 *
 * @typedef {object} Frame what one drawing needs
 * @property {Item[]} items
 * @property {string|null} fresh id of an alert that has just come
 * @property {boolean} loaded whether a snapshot has come yet; until then the page's own children are shown
 * @property {boolean} paused
 * @property {boolean} moving
 * @property {{text: string, fresh: boolean}} note
 * @property {string} [direction] of the channel
 * @property {number} now by the server's clock, milliseconds
 */
export declare class View {
    #private;
    /** @type {Strings} */ strings: Strings;
    /** @type {string} */ modeName: string;
    /** @type {HTMLElement} */ node: HTMLElement;
    /** @type {import('./modes.js').Mode} */ mode: import('./modes.js').Mode;
    /**
     * @param {Strings} strings
     * @param {string|null} modeName
     * @param {string} channel
     * @param {(name: Press) => void} press
     */
    constructor(strings: Strings, modeName: string | null, channel: string, press: (name: Press) => void);
    /** @param {Frame} frame */
    draw({ items, fresh, loaded, paused, moving, note, now, direction }: Frame): void;
    /** Leaves no timer. */
    stop(): void;
}
