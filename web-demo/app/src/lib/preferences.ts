/** What is remembered between meetings on this machine; nothing that would hurt when lost. */

interface Preferences {
    name: string;
    camera: boolean;
    microphone: boolean;
    cameraId: string;
    microphoneId: string;
}

const KEY = 'stoa.preferences';
const DEFAULTS: Preferences = { name: '', camera: true, microphone: true, cameraId: '', microphoneId: '' };

export function loadPreferences(): Preferences {
    try {
        return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Preferences>) };
    } catch {
        return { ...DEFAULTS };
    }
}

export function savePreferences(changes: Partial<Preferences>): void {
    try {
        localStorage.setItem(KEY, JSON.stringify({ ...loadPreferences(), ...changes }));
    } catch {
        // Storage may be full or forbidden: the meeting works without.
    }
}
