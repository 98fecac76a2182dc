/** The look of the widget, as a constructable stylesheet: a host page's CSP needs to allow nothing for it. */

const css = `
:host {
  display: block;
  container-type: inline-size;
  line-height: 1.35;
  text-align: start;
  --_accent: var(--ticker-accent, #c4122f);
  --_on-accent: var(--ticker-on-accent, #fff);
  --_surface: var(--ticker-surface, light-dark(#fff, #1b1b1b));
  --_text: var(--ticker-text, light-dark(#111, #eee));
  --_muted: var(--ticker-muted, light-dark(#666, #aaa));
  --_line: var(--ticker-line, light-dark(#ddd, #444));
  --_hover: var(--ticker-hover, light-dark(#eee, #333));
  --_radius: var(--ticker-radius, 4px);
  --_tall: 3em;
  --_row: 2.25em;
}
:host([hidden]), [hidden] { display: none !important }
:host([theme=light]) { color-scheme: light }
:host([theme=dark]) { color-scheme: dark }
:host([mode=list]) { --_tall: 30em }
:host([mode=toast]) {
  position: fixed;
  z-index: var(--ticker-z-index, 1000);
  inset-block-end: 1em;
  inset-inline-end: 1em;
  width: min(26em, 100% - 2em);
  --_tall: calc(6.5em + var(--_row));
}
* { box-sizing: border-box }
.bar {
  display: grid;
  grid-template: "label note controls" minmax(var(--_row), auto) "list list list" minmax(0, 1fr) / auto minmax(0, 1fr) auto;
  align-items: center;
  height: var(--ticker-block-size, var(--_tall));
  overflow: clip;
  color: var(--_text);
  background: var(--_surface);
  border: 1px solid var(--_line);
  border-radius: var(--_radius);
}
.label, .meta, .note { font-size: .8125em; font-variant-numeric: tabular-nums; white-space: nowrap }
.label {
  grid-area: label;
  align-self: stretch;
  align-content: center;
  padding-inline: .75em;
  color: var(--_on-accent);
  background: var(--_accent);
  font-weight: 700;
  text-transform: uppercase;
}
.stage { grid-area: list; position: relative; height: 100% }
ul { margin: 0; padding: 0; list-style: none }
.text { min-width: 0; overflow-wrap: anywhere }
[dir=rtl] .text { line-height: 1.5 }
.attribution { font-weight: 700 }
a { color: inherit; text-decoration: none }
a .headline, a:hover, .meta, .note, .empty, button { color: var(--_muted) }
.meta { display: flex; gap: 0 .6em }
.mark, .fresh, button:hover { color: var(--_text) }
.note { grid-area: note; padding-inline: .6em }
.controls { grid-area: controls; padding-inline: .25em; white-space: nowrap }
button {
  width: 30px;
  height: 30px;
  padding: 0;
  background: none;
  border: 0;
  border-radius: var(--_radius);
  cursor: pointer;
  vertical-align: middle;
}
button:hover { background: var(--_hover) }
:focus-visible { outline: 2px solid; outline-offset: -2px }
svg { width: 16px; height: 16px; fill: none; stroke: currentColor; stroke-width: 2; vertical-align: middle }
.previous:dir(ltr), .next:dir(rtl) { scale: -1 1 }
@media (pointer: coarse) {
  :host { --_row: 44px }
  button { width: 44px; height: 44px }
}
.announcer { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
.empty, slot { display: block; max-height: 100%; overflow: auto; padding: .75em }

.flat .stage { overflow: clip }
.flat :is(.empty, slot, li) { align-content: center; height: 100% }
.flat :is(.empty, slot) { padding-block: 0 }
.flat li { display: flex; gap: .75em; align-items: center; padding-inline: .75em; white-space: nowrap }
.rotate li { position: absolute; inset: 0; visibility: hidden }
.rotate .current { visibility: visible }
@keyframes appear { from { opacity: 0 } }
@media (prefers-reduced-motion: no-preference) {
  .rotate .current, .toast { animation: appear .16s ease-out }
}
.rotate :is(.text, .reason) { overflow: hidden; text-overflow: ellipsis }
.rotate .text { padding-block: 2px }
.rotate .meta { margin-inline-start: auto }
.rotate .reason { max-width: 16em }
.bar.flash, li.flash { color: var(--_on-accent); background: var(--_accent); border-color: var(--_accent) }
.flash :not(button:hover) { color: inherit }
@container (width >= 40em) {
  .flat.bar { grid-template: "label list note controls" minmax(0, 1fr) / auto minmax(0, 1fr) auto auto }
}
@container (width < 40em) {
  .rotate { --_tall: calc(4.75em + var(--_row)) }
  .scroll { --_tall: calc(2.75em + var(--_row)) }
  .rotate li { display: block; padding: .25em .75em }
  .rotate .text { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; white-space: normal; padding: 0 }
}

.tall .stage { overflow: auto }
.tall li { padding: .75em }
.tall .meta { flex-wrap: wrap; margin-top: .15em; white-space: normal }
.list li + li { border-top: 1px solid var(--_line) }
.toast { box-shadow: 0 4px 16px #0004 }
.toast li:not(.current) { display: none }

.track { display: flex; width: max-content; height: 100%; animation: run var(--_turn) linear infinite paused; --_end: -50% }
.track:dir(rtl) { --_end: 50% }
.moving:not(:hover, :focus-within) { animation-play-state: running }
@keyframes run { to { transform: translateX(var(--_end)) } }
.scroll ul { position: relative; display: flex; min-width: 100cqi; padding-inline-end: 2em }

@media (forced-colors: active) {
  .label, button { border: 1px solid }
  .flash.flash { border: 3px solid Highlight }
}
`;

/** @type {CSSStyleSheet|undefined} */
let sheet;

/** One sheet for all widgets of a page, made when the first needs it. */
export function stylesheet() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
  }
  return sheet;
}
