// Prints how many bytes of scripts and styles a browser loads, packed as the server sends them at its fastest.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const files = readdirSync('dist/assets').filter((name) => /\.(js|css)$/.test(name));
console.log(files.reduce((sum, name) => sum + gzipSync(readFileSync(`dist/assets/${name}`), { level: 1 }).length, 0));
