// Bundles entry.jsx into out/.
import * as esbuild from 'esbuild';
import fs from 'fs';

// Default imports of packages that mark themselves __esModule, as Grafana's own build takes them.
const PACKAGES = 'react-custom-scrollbars-2|react-virtualized-auto-sizer|react-inlinesvg|rc-[\\w-]+|@rc-component\\/[\\w-]+';
const interop = {
    name: 'interop',
    setup(build) {
        build.onLoad({ filter: /node_modules\/@grafana\/.*\.mjs$/ }, async file => ({
            loader: 'js',
            contents: (await fs.promises.readFile(file.path, 'utf8')).replace(
                new RegExp(`^import (\\w+) from '(${PACKAGES})';`, 'gm'),
                "import * as __$1 from '$2'; const $1 = __$1.default?.default ?? __$1.default ?? __$1;"),
        }));
    },
};
await esbuild.build({
    entryPoints: ['entry.jsx'], outdir: 'out', bundle: true, format: 'esm', splitting: true,
    jsx: 'automatic', logLevel: 'warning', plugins: [interop],
    loader: { '.svg': 'dataurl', '.png': 'dataurl', '.woff2': 'dataurl', '.ttf': 'dataurl' },
    define: { 'process.env.NODE_ENV': '"production"', 'process.env': '{}' },
});
const styles = fs.readdirSync('out').filter(name => /^app-.*\.css$/.test(name));
fs.writeFileSync('index.html', `<!doctype html><meta charset="utf-8">
${styles.map(name => `<link rel="stylesheet" href="out/${name}">`).join('\n')}
<div id="root"></div><script type="module" src="out/entry.js"></script>
`);
