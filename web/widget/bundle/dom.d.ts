/** Making nodes: text is only ever text, and an attribute is set by its name. */
/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [name] its class; also its part, for the host page's style
 * @param {Record<string, string>} [attributes]
 * @param {...(Node|string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export declare function make<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, name?: string, attributes?: Record<string, string>, ...children: (Node | string)[]): HTMLElementTagNameMap[Tag];
/** @param {string} name */
export declare const icon: (name: string) => SVGElement;
