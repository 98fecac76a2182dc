/** The look of the widget, as a constructable stylesheet: a host page's CSP needs to allow nothing for it. */
/** One sheet for all widgets of a page, made when the first needs it. */
export declare function stylesheet(): CSSStyleSheet;
