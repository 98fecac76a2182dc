/**
 * The line to one channel: a WebSocket, server-sent events where none gets through, polling where neither does, and
 * back up again. It knows cursors and close codes, not what an item is. No DOM.
 */
export type Status = 'connecting' | 'live' | 'stale' | 'polling' | 'offline';
export type Line = {
    /**
     * address of the server
     */
    src: string;
    channel: string;
    /**
     * section, region, tag, urgency
     */
    filters?: Record<string, string[]>;
    onFrame: (frame: any) => void;
    onStatus: (status: Status) => void;
    /**
     * `desk` for pages of the newsroom; the readers' `live` without it
     */
    stream?: string;
    /**
     * the server says not to come back
     */
    onRefused?: (code: number) => void;
};
export type Wire = WebSocket | EventSource;
export declare class Connection {
    #private;
    /** @param {Line} line */
    constructor(line: Line);
    get cursor(): string | null;
    /** @param {string|null} [cursor] where to go on; without one, from a snapshot */
    start(cursor?: string | null): void;
    /**
     * The reader has been shown the entry with this cursor: told to the server when it asked for that.
     * @param {string} cursor
     */
    seen(cursor: string): void;
    /** Leaves no socket, no timer and no request. */
    stop(): void;
    /** The network is back, or the page is looked at again: try now instead of when the timer says. */
    wake(): void;
    /** The browser has lost its network: what is open is dead, though nobody has told it so. */
    lost(): void;
}
