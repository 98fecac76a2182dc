/** Inside the frame: the element, and its height told to the page around it, when that has asked, and to nobody else. */

import '../../widget/v1/breaking-ticker.js';

/** @type {string|null} The origin of the page that asked. */
let around = null;

const tell = () => {
  const height = Math.ceil(document.body.getBoundingClientRect().height);
  if (around && height) parent.postMessage({ type: 'ticker-height', height }, around);
};

addEventListener('message', ({ data, origin, source }) => {
  // A page without an origin of its own ("null") cannot be told apart from others like it.
  if (source !== parent || parent === self || data?.type !== 'ticker-ask' || origin === 'null') return;
  around = origin;
  tell();
});
new ResizeObserver(tell).observe(document.body);
