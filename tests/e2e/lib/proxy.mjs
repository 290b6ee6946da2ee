// A TCP proxy before the server, so that a network can break for some seconds while media goes on.
import { connect, createServer } from 'node:net';

export async function startProxy(port) {
    const sockets = new Set();
    let isCut = false;
    const server = createServer((near) => {
        if (isCut) return near.destroy();
        const far = connect(port, '127.0.0.1');
        for (const [from, to] of [[near, far], [far, near]]) {
            sockets.add(from);
            from.on('error', () => undefined);
            from.on('close', () => {
                sockets.delete(from);
                to.destroy();
            });
            from.pipe(to);
        }
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
        url: `http://127.0.0.1:${server.address().port}`,
        cut() {
            isCut = true;
            for (const socket of sockets) socket.destroy();
        },
        heal() {
            isCut = false;
        },
        stop() {
            this.cut();
            return new Promise((resolve) => server.close(resolve));
        },
    };
}
