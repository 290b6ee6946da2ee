import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const server = process.env.STOA_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
    root: here('.'),
    resolve: { alias: { '@stoa/client': here('../sdk/src/index.ts') } },
    build: {
        outDir: here('../dist'),
        // dist/sdk is made by the sdk's own build, after this one.
        emptyOutDir: true,
        target: 'es2022',
        sourcemap: true,
        // Everything comes as files: the page's policy allows no inline code.
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        rollupOptions: { input: [here('index.html'), here('watch.html'), here('live.html')] },
    },
    server: { host: '127.0.0.1', port: 5173, proxy: { '/v1': { target: server, ws: true }, '/whip': server, '/whep': server } },
});
