/**
 * The ways to show a window of items. Each mode is given the nodes and decides which of them is seen, and when;
 * none of them knows the network, or what an entry is.
 */
import type { Items } from './items.js';
import type { Press } from './view.js';
import type { Item } from './window.js';
export type Mode = {
    /**
     * what stands on the stage
     */
    node: HTMLElement;
    /**
     * names of the buttons
     */
    controls: Press[];
    /**
     * whether it shows alerts below each other, and scrolls
     */
    tall?: boolean;
    /**
     * `fresh` is the id of an alert that has just come;
     * true: there is nothing to be seen
     */
    show: (items: Item[], fresh: string | null) => boolean | void;
    /**
     * by hand
     */
    move?: (step: number) => void;
    /**
     * whether it may move by itself
     */
    run?: (moving: boolean) => void;
    /**
     * what is shown is put away
     */
    dismiss?: () => void;
};
/**
 * @param {string|null} name the attribute; an unknown one is the default
 * @param {Items} items
 * @param {string} channel
 * @returns {[string, Mode]} with its name
 */
export declare function modeFor(name: string | null, items: Items, channel: string): [string, Mode];
