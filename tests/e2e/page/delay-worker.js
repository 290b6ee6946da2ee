// Passes encoded frames on a fixed time later, in order.
self.onrtctransform = ({ transformer }) => {
    const { delayMs } = transformer.options;
    const writer = transformer.writable.getWriter();
    const reader = transformer.readable.getReader();
    const pump = async () => {
        for (;;) {
            const { value, done } = await reader.read();
            if (done) return;
            setTimeout(() => writer.write(value).catch(() => undefined), delayMs);
        }
    };
    void pump();
};
