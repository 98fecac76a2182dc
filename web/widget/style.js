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
  --_block-size: var(--ticker-block-size, 3em);
  --_row: 2.25em;
}
:host([hidden]) { display: none }
:host([theme=light]) { color-scheme: light }
:host([theme=dark]) { color-scheme: dark }
:host([mode=list]) { --_block-size: var(--ticker-block-size, 30em) }
:host([mode=toast]) {
  position: fixed;
  z-index: var(--ticker-z-index, 1000);
  inset-block-end: 1em;
  inset-inline-end: 1em;
  inline-size: min(26em, 100% - 2em);
  --_block-size: var(--ticker-block-size, calc(6.5em + var(--_row)));
}
* { box-sizing: border-box }
[hidden] { display: none !important }
.bar {
  display: grid;
  grid-template: "label note controls" minmax(var(--_row), auto) "list list list" minmax(0, 1fr) / auto minmax(0, 1fr) auto;
  block-size: var(--_block-size);
  overflow: clip;
  color: var(--_text);
  background: var(--_surface);
  border: 1px solid var(--_line);
  border-radius: var(--_radius);
}
.label {
  grid-area: label;
  border-end-end-radius: var(--_radius);
  display: flex;
  align-items: center;
  padding-inline: .8em;
  color: var(--_on-accent);
  background: var(--_accent);
  font-size: .8125em;
  font-weight: 700;
  text-transform: uppercase;
  white-space: nowrap;
}
.stage { grid-area: list; position: relative; min-inline-size: 0 }
ul { margin: 0; padding: 0; list-style: none }
.text { min-inline-size: 0; overflow-wrap: anywhere }
[dir=rtl] .text { line-height: 1.5 }
.attribution { font-weight: 700 }
a { color: inherit; text-decoration: none }
a .headline { text-decoration: underline }
a:hover { text-decoration: underline }
.meta { display: flex; gap: .6em; align-items: baseline; color: var(--_muted); font-size: .8125em; white-space: nowrap }
time { font-variant-numeric: tabular-nums }
.mark { color: var(--_text); border-block-end: 1px solid currentColor }
.note {
  grid-area: note;
  align-self: center;
  padding-inline: .6em;
  color: var(--_muted);
  font-size: .8125em;
  font-variant-numeric: tabular-nums;
  white-space: nowrap;
}
.note.fresh { color: var(--_text); font-weight: 700 }
.controls { grid-area: controls; display: flex; align-items: center; padding-inline: .25em }
button {
  display: grid;
  place-items: center;
  inline-size: 30px;
  block-size: 30px;
  margin: 0;
  padding: 0;
  color: var(--_muted);
  background: none;
  border: 0;
  border-radius: var(--_radius);
  font: inherit;
  cursor: pointer;
}
button:hover { color: var(--_text); background: var(--_hover) }
:focus-visible { outline: 2px solid currentColor; outline-offset: -2px }
a:focus-visible { outline-offset: 1px }
svg { inline-size: 16px; block-size: 16px; fill: none; stroke: currentColor; stroke-width: 2 }
[dir=rtl] .arrow { transform: scaleX(-1) }
@media (pointer: coarse) {
  :host { --_row: 44px }
  button { inline-size: 44px; block-size: 44px }
}
.announcer { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.empty { padding: .75em; color: var(--_muted) }
slot { display: block; max-block-size: 100%; overflow: auto; padding: .75em }

.rotate .stage { overflow: clip }
.rotate li {
  position: absolute;
  inset: 0;
  display: flex;
  gap: .8em;
  align-items: center;
  padding-inline: .8em;
  visibility: hidden;
}
.rotate li.current { visibility: visible; animation: appear .16s ease-out }
@keyframes appear { from { opacity: 0 } }
@media (prefers-reduced-motion: reduce) { .rotate li.current, .toast { animation: none } }
.rotate .text { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; padding-block: 2px }
.rotate .meta { flex: none; margin-inline-start: auto }
.rotate .reason { max-inline-size: 16em; overflow: hidden; text-overflow: ellipsis }
:is(.rotate, .scroll) :is(.empty, slot) { position: absolute; inset: 0; padding-block: 0; align-content: center }
:is(.rotate, .scroll, .toast).flash, .list .flash { color: var(--_on-accent); background: var(--_accent); border-color: var(--_accent) }
.flash :is(.meta, .note, .mark, button) { color: inherit }
.flash button:hover { color: var(--_text) }
@container (inline-size >= 40em) {
  :is(.rotate, .scroll).bar { grid-template: "label list note controls" minmax(0, 1fr) / auto minmax(0, 1fr) auto auto }
  :is(.rotate, .scroll) .label { border-radius: 0 }
}
@container (inline-size < 40em) {
  .rotate { --_block-size: var(--ticker-block-size, calc(4.75em + var(--_row))) }
  .scroll { --_block-size: var(--ticker-block-size, calc(2.75em + var(--_row))) }
  .rotate li { flex-direction: column; gap: .1em; align-items: stretch; justify-content: center; padding: .25em .75em .4em }
  .rotate .text { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; white-space: normal; padding-block: 0 }
  .rotate .meta { margin: 0 }
}

:is(.list, .toast) .stage { overflow: auto }
.list li { display: grid; gap: .15em; padding: .7em .8em }
.list li + li { border-block-start: 1px solid var(--_line) }

.scroll .stage { overflow: clip }
.scroll .track { display: flex; inline-size: max-content; block-size: 100%; animation: run var(--_turn) linear infinite paused; --_end: -50% }
.scroll:dir(rtl) .track { --_end: 50% }
.scroll .track.moving:not(:hover, :focus-within) { animation-play-state: running }
@keyframes run { to { transform: translateX(var(--_end)) } }
.scroll ul { position: relative; display: flex; flex: none; min-inline-size: 100cqi; padding-inline-end: 2em }
.scroll li { display: flex; gap: .8em; align-items: center; padding-inline-start: 2em; white-space: nowrap }

.toast { box-shadow: 0 4px 16px rgb(0 0 0 / .25); animation: appear .16s ease-out }
.toast li { display: none; padding: .6em .8em .8em }
.toast li.current { display: grid; gap: .3em }
:is(.list, .toast) .meta { flex-wrap: wrap; white-space: normal; row-gap: 0 }

@media (forced-colors: active) {
  .label { border: 1px solid }
  :is(.bar, li).flash { border: 3px solid Highlight }
  button { border: 1px solid ButtonBorder }
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
