/** The look of the widget, as a constructable stylesheet: a host page's CSP needs to allow nothing for it. */

const css = `
:host {
  display: block;
  container-type: inline-size;
  font: inherit;
  line-height: 1.35;
  text-align: start;
  --_accent: var(--ticker-accent, light-dark(#c4122f, #c9213d));
  --_on-accent: var(--ticker-on-accent, #fff);
  --_surface: var(--ticker-surface, light-dark(#fff, #17191d));
  --_text: var(--ticker-text, light-dark(#15171a, #f1f2f4));
  --_muted: var(--ticker-muted, light-dark(#5b616b, #a7adb7));
  --_line: var(--ticker-line, light-dark(#d9dce1, #363a41));
  --_hover: var(--ticker-hover, light-dark(#eff0f2, #262a30));
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
  padding-inline: .8em;
  color: var(--_on-accent);
  background: var(--_accent);
  border-end-end-radius: var(--_radius);
  font-weight: 700;
  text-transform: uppercase;
}
.stage { grid-area: list; position: relative; height: 100% }
ul { margin: 0; padding: 0; list-style: none }
.text { min-width: 0; overflow-wrap: anywhere }
[dir=rtl] .text { line-height: 1.5 }
.attribution { font-weight: 700 }
a { color: inherit; text-decoration: none }
a .headline, a:hover { text-decoration: underline }
.meta, .note, .empty, button { color: var(--_muted) }
.meta { display: flex; gap: .6em }
.mark, .fresh, button:hover { color: var(--_text) }
.mark { text-decoration: underline }
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
[dir=rtl] :is(.previous, .next) { scale: -1 1 }
@media (pointer: coarse) {
  :host { --_row: 44px }
  button { width: 44px; height: 44px }
}
.announcer { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
.empty, slot { display: block; max-height: 100%; overflow: auto; padding: .75em }

:is(.rotate, .scroll) .stage { overflow: clip }
:is(.rotate, .scroll) :is(.empty, slot, li) { align-content: center; height: 100% }
:is(.rotate, .scroll) :is(.empty, slot) { padding-block: 0 }
:is(.rotate, .scroll) li { display: flex; gap: .8em; align-items: center; padding-inline: .8em; white-space: nowrap }
.rotate li { position: absolute; inset: 0; visibility: hidden }
.rotate .current { visibility: visible }
.rotate .current, .toast { animation: appear .16s ease-out }
@keyframes appear { from { opacity: 0 } }
@media (prefers-reduced-motion) { .current, .toast { animation: none !important } }
.rotate :is(.text, .reason) { overflow: hidden; text-overflow: ellipsis }
.rotate .text { padding-block: 2px }
.rotate .meta { margin-inline-start: auto }
.rotate .reason { max-width: 16em }
.bar.flash, li.flash { color: var(--_on-accent); background: var(--_accent); border-color: var(--_accent) }
.flash :is(.meta, .note, .mark, button:not(:hover)) { color: inherit }
@container (width >= 40em) {
  :is(.rotate, .scroll).bar { grid-template: "label list note controls" minmax(0, 1fr) / auto minmax(0, 1fr) auto auto }
  :is(.rotate, .scroll) .label { border-radius: 0 }
}
@container (width < 40em) {
  .rotate { --_tall: calc(4.75em + var(--_row)) }
  .scroll { --_tall: calc(2.75em + var(--_row)) }
  .rotate li { display: block; padding: .25em .75em }
  .rotate .text { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; white-space: normal; padding: 0 }
}

:is(.list, .toast) .stage { overflow: auto }
:is(.list, .toast) li { padding: .7em .8em }
:is(.list, .toast) .meta { flex-wrap: wrap; row-gap: 0; margin-top: .15em; white-space: normal }
li + li { border-top: 1px solid var(--_line) }
.toast { box-shadow: 0 4px 16px #0004 }
.toast li:not(.current) { display: none }
:is(.rotate, .scroll, .toast) li { border: 0 }

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
