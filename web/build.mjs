/**
 * Makes the one file that pages load, out of the modules beside it: `make widget`. With --check it writes nothing, and
 * ends with 1 when what is there is not what would be made.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { minify } from 'terser';

const WEB = fileURLToPath(new URL('.', import.meta.url));
const BUNDLE = join(WEB, 'widget', 'bundle');
const { version } = JSON.parse(readFileSync(join(WEB, 'package.json'), 'utf8'));
const BANNER = `/*! ${version} */`;

/**
 * What no minifier may change without knowing that nobody else sees these properties: their names, and the spaces in
 * what they hold.
 * @param {string} css
 */
function brief(css) {
  const letters = new Map();
  const letter = (name) => letters.get(name) ?? letters.set(name, `--_${String.fromCharCode(97 + letters.size)}`).get(name);
  return css
    // The script sets this one, by its name.
    .replace(/--_(?!turn\b)[\w-]+/g, letter)
    .replace(/(--_\w:)\s*([^;}]*?)\s*(?=[;}])/g, '$1$2')
    .replaceAll(', ', ',');
}

/** The sheet stands in a module as text, which no minifier of scripts looks into. */
const sheet = {
  name: 'sheet',
  setup({ onLoad }) {
    onLoad({ filter: /style\.js$/ }, async ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const [whole, css] = /const css = `([^]*?)`;/.exec(text);
      const { code } = await transform(css, { loader: 'css', minify: true });
      // A function, since in a text `$` would be a reference.
      return { contents: text.replace(whole, () => `const css = ${JSON.stringify(brief(code.trim()))};`) };
    });
  },
};

/**
 * Names of our own that are neither public nor on any wire, nor in what one tab tells another, so that they may be one
 * letter. None of them is a name of the browser's, or is looked up by a text.
 */
const INTERNAL = [
  ...['added', 'alarm', 'alerts', 'asOf', 'breaking', 'controls', 'corrected', 'draw', 'empty', 'forget', 'fresh'],
  ...['hush', 'knows', 'load', 'loaded', 'lost', 'modeName', 'move', 'moving', 'node', 'nodeOf', 'onFrame'],
  ...['onRefused', 'onStatus', 'pinned', 'removed', 'render', 'run', 'seen', 'show', 'start', 'stop', 'stream'],
  ...['strings', 'tall', 'tell', 'text', 'updated', 'wake'],
];

async function script() {
  const { outputFiles } = await build({
    entryPoints: [join(WEB, 'widget', 'define.js')],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    banner: { js: BANNER },
    plugins: [sheet],
    mangleProps: new RegExp(`^(${INTERNAL.join('|')})$`),
    write: false,
  });
  // It finds what may be left out where esbuild does not look: 3 % of the whole.
  const { code } = await minify(outputFiles[0].text, { module: true, ecma: 2022, compress: { passes: 3 }, format: { comments: /^!/ } });
  return `${code}\n`;
}

/** @returns {[string, string][]} the declarations that editors read, by name */
function types() {
  const folder = mkdtempSync(join(tmpdir(), 'ticker-types-'));
  try {
    const compiler = fileURLToPath(new URL('../node_modules/.bin/tsc', import.meta.url));
    const options = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--outDir', folder];
    execFileSync(compiler, ['-p', join(WEB, 'tsconfig.types.json'), ...options], { stdio: 'inherit' });
    return readdirSync(folder).sort().map((name) => [name, readFileSync(join(folder, name), 'utf8')]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const made = [[`breaking-ticker-${version}.js`, await script()], ...types()];
const wrong = made.filter(([name, text]) => {
  const file = join(BUNDLE, name);
  return !existsSync(file) || readFileSync(file, 'utf8') !== text;
});
if (process.argv.includes('--check')) {
  for (const [name] of wrong) console.error(`web/widget/bundle/${name} is not what the modules make; run: make widget`);
  process.exitCode = wrong.length ? 1 : 0;
} else {
  for (const [name, text] of wrong) writeFileSync(join(BUNDLE, name), text);
}
