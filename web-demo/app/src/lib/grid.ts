/** The grid of equal tiles that uses an area best. Pure arithmetic, so that it can be tested as a table. */

export interface Grid {
    columns: number;
    rows: number;
    tileWidth: number;
    tileHeight: number;
}

const WIDEST = 16 / 9;

/** Narrowest tile shape: on upright screens tiles may stand upright too. */
function narrowest(width: number, height: number): number {
    return width < height ? 9 / 16 : 4 / 3;
}

function fit(columns: number, count: number, width: number, height: number, gap: number): Grid {
    const rows = Math.ceil(count / columns);
    const cellWidth = Math.max(0, (width - gap * (columns - 1)) / columns);
    const cellHeight = Math.max(0, (height - gap * (rows - 1)) / rows);
    const shape = Math.min(WIDEST, Math.max(narrowest(width, height), cellWidth / (cellHeight || 1)));
    const tileWidth = Math.floor(Math.min(cellWidth, cellHeight * shape));
    return { columns, rows, tileWidth, tileHeight: Math.floor(Math.min(cellHeight, tileWidth / shape)) };
}

/** Largest tiles for `count` of them in width x height; fewer empty places where the size is nearly the same. */
export function bestGrid(count: number, width: number, height: number, gap: number): Grid {
    let best = fit(1, Math.max(1, count), width, height, gap);
    let bestScore = 0;
    for (let columns = 1; columns <= count; columns++) {
        const grid = fit(columns, count, width, height, gap);
        const empty = grid.columns * grid.rows - count;
        const score = grid.tileWidth * grid.tileHeight * (1 - 0.03 * empty);
        if (score > bestScore) [best, bestScore] = [grid, score];
    }
    return best;
}

/** Half-column in which a tile starts (1-based): a last row that is not full stands in the middle. */
export function startColumn(index: number, count: number, grid: Grid): number {
    const row = Math.floor(index / grid.columns);
    const inRow = Math.min(grid.columns, count - row * grid.columns);
    const column = index - row * grid.columns;
    return 1 + (grid.columns - inRow) + 2 * column;
}
