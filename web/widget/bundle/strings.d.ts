/** The words of the interface, by language. What the alerts say is never touched here. */
export type Strings = {
    language: string;
    breaking: string;
    region: string;
    pause: string;
    play: string;
    previous: string;
    next: string;
    dismiss: string;
    corrected: string;
    updated: string;
    pinned: string;
    empty: string;
    connecting: string;
    polling: string;
    offline: string;
    asOf: string;
    /**
     * the same where space is short
     */
    fresh?: Record<string, string>;
    alerts: Record<string, string>;
    /**
     * made when it is needed first
     */
    format?: Intl.RelativeTimeFormat;
};
/**
 * The strings of the first language that we speak, else English.
 * @param {...(string|null|undefined)} wishes language tags, the most wanted first
 */
export declare function stringsFor(...wishes: (string | null | undefined)[]): Strings;
/**
 * @param {Strings} strings
 * @param {Record<string, string>} forms by the plural
 * @param {number} n
 */
export declare function count({ language }: Strings, forms: Record<string, string>, n: number): string;
/**
 * @param {Strings} strings
 * @param {number} ms of the reader's own clock
 */
export declare function asOf(strings: Strings, ms: number): string;
/**
 * @param {Strings} strings
 * @param {number} age milliseconds; what the clocks disagree on counts as now
 */
export declare function ago(strings: Strings, age: number): string;
