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

const WEB = fileURLToPath(new URL('.', import.meta.url));
const BUNDLE = join(WEB, 'widget', 'bundle');
const { version } = JSON.parse(readFileSync(join(WEB, 'package.json'), 'utf8'));
const BANNER = `/*! breaking-ticker ${version} */`;

/** The sheet stands in a module as text, which no minifier of scripts looks into. */
const sheet = {
  name: 'sheet',
  setup({ onLoad }) {
    onLoad({ filter: /style\.js$/ }, async ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const [whole, css] = /const css = `([^]*?)`;/.exec(text);
      const { code } = await transform(css, { loader: 'css', minify: true });
      // A function, since in a text `$` would be a reference.
      return { contents: text.replace(whole, () => `const css = ${JSON.stringify(code.trim())};`) };
    });
  },
};

/**
 * Names of our own that are neither public nor on any wire, so that they may be one letter. None of them is a name of
 * the browser's, or is looked up by a text.
 */
const INTERNAL = [
  ...['alarm', 'asOf', 'breaking', 'controls', 'corrected', 'direct', 'draw', 'empty', 'forget', 'gone'],
  ...['knows', 'modeName', 'nodeOf', 'pinned', 'region', 'render', 'strings', 'updated', 'added', 'loaded', 'moving'],
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
  return outputFiles[0].text;
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
