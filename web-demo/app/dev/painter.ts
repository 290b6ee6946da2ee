/** Pictures that look enough like people and screens to judge a layout by. */

function canvas(width: number, height: number): [HTMLCanvasElement, CanvasRenderingContext2D] {
    const element = document.createElement('canvas');
    element.width = width;
    element.height = height;
    return [element, element.getContext('2d')!];
}

function keepPainting(element: HTMLCanvasElement, paint: () => void): MediaStream {
    paint();
    setInterval(paint, 200);
    return element.captureStream(5);
}

/** A head and shoulders before a wall with soft light. */
export function paintPerson(seed: number): MediaStream {
    const [element, context] = canvas(640, 360);
    const hue = (seed * 67) % 360;
    const skin = ['#e8b99a', '#8d5a3c', '#c98f6b', '#5e3b28', '#f0c8a8'][seed % 5]!;
    const hair = ['#2a2020', '#5a3a20', '#111318', '#8b6a3c', '#3a3a42'][(seed * 3) % 5]!;
    return keepPainting(element, () => {
        const wall = context.createLinearGradient(0, 0, 640, 360);
        wall.addColorStop(0, `hsl(${hue} 24% 62%)`);
        wall.addColorStop(1, `hsl(${(hue + 30) % 360} 22% 34%)`);
        context.fillStyle = wall;
        context.fillRect(0, 0, 640, 360);
        context.fillStyle = `hsl(${hue} 18% 78% / 50%)`;
        context.fillRect(60 + ((seed * 53) % 90), 30, 120, 150);
        context.fillStyle = `hsl(${(hue + 180) % 360} 30% 34%)`;
        context.beginPath();
        context.ellipse(320, 380, 150, 130, 0, 0, 7);
        context.fill();
        context.fillStyle = skin;
        context.fillRect(292, 215, 56, 60);
        context.beginPath();
        context.ellipse(320, 165, 62, 78, 0, 0, 7);
        context.fill();
        context.fillStyle = hair;
        context.beginPath();
        context.ellipse(320, 118, 70, 52, 0, Math.PI, 0);
        context.fill();
        context.fillStyle = '#241a18';
        for (const x of [297, 343]) {
            context.beginPath();
            context.arc(x, 165, 5, 0, 7);
            context.fill();
        }
        context.strokeStyle = '#7a3b34';
        context.lineWidth = 4;
        context.beginPath();
        context.arc(320, 190, 22, 0.3, Math.PI - 0.3);
        context.stroke();
    });
}

/** A page of text and a chart. */
export function paintScreen(): MediaStream {
    const [element, context] = canvas(1280, 720);
    return keepPainting(element, () => {
        context.fillStyle = '#fbfbfd';
        context.fillRect(0, 0, 1280, 720);
        context.fillStyle = '#e9ebf2';
        context.fillRect(0, 0, 1280, 56);
        context.fillStyle = '#23252e';
        context.font = '600 40px sans-serif';
        context.fillText('Quarterly results', 80, 150);
        context.font = '24px sans-serif';
        context.fillStyle = '#5b5e6b';
        ['Join time fell from 1.9 s to 0.4 s', 'Calls per server rose by a factor of four', 'Next: recordings, live streaming'].forEach((line, i) =>
            context.fillText(`•  ${line}`, 80, 220 + i * 46),
        );
        [180, 240, 210, 320, 380, 430].forEach((height, i) => {
            context.fillStyle = i === 5 ? '#4453d6' : '#b9c0f2';
            context.fillRect(700 + i * 84, 640 - height, 60, height);
        });
    });
}
