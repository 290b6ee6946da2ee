// Makes dist/sdk/stoa-client.js (+ map) and dist/sdk/stoa-client.d.ts out of the compiled sources.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const OUT = new URL('../../dist/sdk/', import.meta.url);
const BUILD = new URL('../build/', import.meta.url);
const MAX_GZIP_BYTES = 24_000;

async function bundleCode() {
    const outfile = new URL('stoa-client.js', OUT).pathname;
    await build({
        entryPoints: [new URL('../src/index.ts', import.meta.url).pathname],
        outfile,
        bundle: true,
        format: 'esm',
        target: 'es2022',
        minify: true,
        keepNames: true,
        sourcemap: true,
        legalComments: 'none',
        banner: { js: '/*! @stoa/client, Apache-2.0 */' },
    });
    const bytes = gzipSync(await readFile(outfile)).length;
    if (bytes > MAX_GZIP_BYTES)
        throw new Error(`stoa-client.js is ${bytes} bytes gzipped, more than ${MAX_GZIP_BYTES}`);
    return bytes;
}

/**
 * One declaration file: what index.d.ts exports stays exported, the rest stays local. Names are unique over the
 * sources, so the files can stand one after another without their imports.
 */
async function bundleTypes() {
    const names = (await readdir(BUILD)).filter((name) => name.endsWith('.d.ts') && name !== 'index.d.ts');
    const index = await readFile(new URL('index.d.ts', BUILD), 'utf8');
    const parts = [];
    for (const name of names.sort()) {
        const text = await readFile(new URL(name, BUILD), 'utf8');
        parts.push(
            text
                .replace(/^import [^;]*;\n/gm, '')
                .replace(/^export \{[^}]*\};\n/gm, '')
                .replace(/^\/\/# sourceMappingURL.*\n?/gm, '')
                .replace(/^export (declare |interface |type |class )/gm, '$1'),
        );
    }
    const exported = index
        .replace(/ from '[^']*'/g, '')
        .replace(/^\/\/# sourceMappingURL.*\n?/gm, '')
        .replace(/^import [^;]*;\n/gm, '');
    const text = parts.join('\n').replace(/^(interface|type) /gm, 'declare $1 ');
    await writeFile(new URL('stoa-client.d.ts', OUT), `${text}\n${exported}`);
}

await mkdir(OUT, { recursive: true });
const bytes = await bundleCode();
await bundleTypes();
console.log(`dist/sdk/stoa-client.js ${bytes} bytes gzipped`);
