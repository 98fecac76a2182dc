/** `<breaking-ticker>`: joins the line, the board and the view. Importing it defines nothing; breaking-ticker.js does. */
import type { Item } from './window.js';
import type { Status } from './connection.js';
export declare class BreakingTicker extends HTMLElement {
    #private;
    static observedAttributes: string[];
    constructor();
    /** State of the line. */
    get status(): Status;
    get paused(): boolean;
    /** What the reader sees, in order. @returns {Item[]} */
    get items(): Item[];
    /** How many alerts wait for the reader to go on. */
    get waiting(): number;
    connectedCallback(): void;
    disconnectedCallback(): void;
    /**
     * @param {string} name
     * @param {string|null} before
     * @param {string|null} after
     */
    attributeChangedCallback(name: string, before: string | null, after: string | null): void;
    pause(): void;
    play(): void;
    /**
     * Takes a frame of the live stream as if it had come over the line. Without a channel there is no line, and the
     * element shows what it is given: a preview.
     * @param {any} frame
     */
    apply(frame: any): void;
    /** Moves by hand, and so ends the moving by itself. */
    next(): void;
    /** Moves by hand, and so ends the moving by itself. */
    prev(): void;
}
