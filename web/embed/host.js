/** On the page around the frames: each `<iframe data-ticker>` gets the height that the page in it asks for. */

const HIGHEST = 2_000;

/** @param {HTMLIFrameElement} frame */
function ask(frame) {
  frame.contentWindow?.postMessage({ type: 'ticker-ask' }, new URL(frame.src).origin);
}

const frames = () => [.../** @type {NodeListOf<HTMLIFrameElement>} */ (document.querySelectorAll('iframe[data-ticker]'))];

addEventListener('message', ({ data, origin, source }) => {
  if (data?.type !== 'ticker-height') return;
  const frame = frames().find(({ contentWindow }) => contentWindow === source);
  // The frame may have been led elsewhere since.
  if (!frame || origin !== new URL(frame.src).origin) return;
  const height = Number(data.height);
  if (height > 0 && height <= HIGHEST) frame.height = String(Math.ceil(height));
});
for (const frame of frames()) {
  frame.addEventListener('load', () => ask(frame));
  ask(frame);
}
