/** Capturing: what is asked of the browser, and what its refusals mean. */

import { DeviceError, toDeviceError } from './errors.js';
import { LocalTrack } from './local-track.js';

export interface CaptureOptions {
    deviceId?: string | undefined;
}
export interface CameraOptions extends CaptureOptions {
    width?: number;
    height?: number;
    frameRate?: number;
    facingMode?: 'user' | 'environment';
}
export interface MicrophoneOptions extends CaptureOptions {
    echoCancellation?: boolean;
    noiseSuppression?: boolean;
    autoGainControl?: boolean;
}
export interface ScreenShareOptions {
    /** Ask for the tab's or system's sound too; the browser may not offer it. Default true. */
    audio?: boolean;
    /** `detail` keeps text sharp, `motion` keeps films fluid. Default `detail`. */
    contentHint?: 'detail' | 'motion';
}

function mediaDevices(device: DeviceError['device']): MediaDevices {
    const devices = globalThis.navigator?.mediaDevices;
    if (!devices) throw new DeviceError('insecure_context', device);
    return devices;
}

function exactDevice(deviceId: string | undefined): MediaTrackConstraints {
    return deviceId ? { deviceId: { exact: deviceId } } : {};
}

function cameraConstraints(options: CameraOptions): MediaTrackConstraints {
    return {
        width: { ideal: options.width ?? 1280 },
        height: { ideal: options.height ?? 720 },
        frameRate: { ideal: options.frameRate ?? 30 },
        ...(options.facingMode ? { facingMode: options.facingMode } : {}),
        ...exactDevice(options.deviceId),
    };
}

function microphoneConstraints(options: MicrophoneOptions): MediaTrackConstraints {
    return {
        echoCancellation: options.echoCancellation ?? true,
        noiseSuppression: options.noiseSuppression ?? true,
        autoGainControl: options.autoGainControl ?? true,
        ...exactDevice(options.deviceId),
    };
}

/** @internal */
export async function captureCamera(options: CameraOptions): Promise<MediaStreamTrack> {
    try {
        const stream = await mediaDevices('camera').getUserMedia({ video: cameraConstraints(options) });
        return stream.getVideoTracks()[0]!;
    } catch (error) {
        throw toDeviceError(error, 'camera');
    }
}

/** @internal */
export async function captureMicrophone(options: MicrophoneOptions): Promise<MediaStreamTrack> {
    try {
        const audio = microphoneConstraints(options);
        const stream = await mediaDevices('microphone').getUserMedia({ audio });
        return stream.getAudioTracks()[0]!;
    } catch (error) {
        throw toDeviceError(error, 'microphone');
    }
}

/** @internal */
export async function captureScreen(options: ScreenShareOptions): Promise<MediaStreamTrack[]> {
    try {
        const stream = await mediaDevices('screen').getDisplayMedia({
            video: { frameRate: { max: 30 } },
            audio: options.audio ?? true,
        });
        for (const track of stream.getVideoTracks()) track.contentHint = options.contentHint ?? 'detail';
        return stream.getTracks();
    } catch (error) {
        throw toDeviceError(error, 'screen');
    }
}

/** Opens the camera, for a preview or for `connect({ tracks })`. */
export async function createCameraTrack(options: CameraOptions = {}): Promise<LocalTrack> {
    return new LocalTrack('camera', await captureCamera(options));
}

/** Opens the microphone. */
export async function createMicrophoneTrack(options: MicrophoneOptions = {}): Promise<LocalTrack> {
    return new LocalTrack('microphone', await captureMicrophone(options));
}
