/**
 * One line for all widgets of a page that want the same, and for all tabs of a site: the tab that holds a lock has the
 * line and tells the others what comes. When it is closed the next one holds the lock, and goes on from its cursor.
 */
import type { Line } from './connection.js';
export type Listener = {
    stop: () => void;
    wake: () => void;
    lost: () => void;
    seen: (cursor: string) => void;
};
/**
 * @typedef {object} Listener one widget's end of a line that it may share
 * @property {() => void} stop
 * @property {() => void} wake
 * @property {() => void} lost
 * @property {(cursor: string) => void} seen
 */
/**
 * Listen to a line; the same one for all who ask for the same.
 * @param {Line} line
 * @returns {Listener}
 */
export declare function share(line: Line): Listener;
/**
 * The tombstones of a frame, as the window takes them.
 * @param {any} frame
 * @returns {[string, number][]}
 */
export declare const goneOf: ({ gone, tombstones, versions }: any) => [string, number][];
/**
 * The server's clock minus ours, in milliseconds; undefined where a frame does not tell.
 * @param {any} frame
 * @param {number} heard when it came
 * @returns {number|undefined}
 */
export declare const skewOf: ({ skew, time }: any, heard: number) => number | undefined;
