// Loads a TypeScript module of the app by way of esbuild.
import { build } from 'esbuild';

export async function load(name) {
    const { outputFiles } = await build({
        entryPoints: [new URL(`../src/lib/${name}`, import.meta.url).pathname],
        bundle: true, write: false, format: 'esm', platform: 'neutral', logLevel: 'error',
    });
    return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}
