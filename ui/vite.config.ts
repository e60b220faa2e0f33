import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';

const KINDS: Record<string, string> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** While developing, every address gets the page as it is, so its base is where the server is. */
function developed(): Plugin {
  return { name: 'base-of-page', apply: 'serve', transformIndexHtml: (html) => html.replace('<base href="./">', '<base href="/">') };
}

/** Lists what was built as Rust, so that the server holds it without a build script, and `cargo build` needs no Node. */
function listed(): Plugin {
  let folder = '';
  return {
    name: 'list-of-files',
    apply: 'build',
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    closeBundle() {
      rmSync(join(folder, '.vite'), { recursive: true, force: true });
      const names = readdirSync(join(folder, 'assets')).sort();
      const hash = createHash('sha256').update(readFileSync(join(folder, 'index.html'))).digest('hex').slice(0, 16);
      const assets = names.map((name) => {
        const kind = KINDS[name.split('.').pop() ?? ''];
        if (!kind) throw new Error(`${name} is of no kind that the server knows`);
        return `    BuiltFile { name: "${name}", content_type: "${kind}", bytes: include_bytes!("assets/${name}") },\n`;
      });
      writeFileSync(
        join(folder, 'files.rs'),
        `// Written by the build of the dashboard.\nconst INDEX: &str = include_str!("index.html");\nconst INDEX_HASH: &str = "${hash}";\n` +
          `static ASSETS: [BuiltFile; ${names.length}] = [\n${assets.join('')}];\n`,
      );
    },
  };
}

const server = process.env.ENGINEHOUSE_URL ?? 'http://127.0.0.1:7420';

export default defineConfig({
  base: './',
  plugins: [svelte(), listed(), developed()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 200,
  },
  server: {
    proxy: Object.fromEntries(['/v1', '/login', '/logout', '/docs', '/metrics', '/readyz', '/healthz'].map((path) => [path, server])),
  },
});
